"""A WeChat push with wechatpy: verified, decrypted, parsed."""

import os

from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto

crypto = WeChatCrypto(os.environ["WECHAT_TOKEN"], os.environ["WECHAT_AES_KEY"], os.environ["WECHAT_APP_ID"])


def open_push(query, body):
    """The message of a push. Raises an exception if the signature or the AppID is wrong."""
    return parse_message(crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"]))
