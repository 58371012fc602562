// A WeChat push with wechat-crypto: verified, decrypted, parsed. wechat-crypto reads no XML, fast-xml-parser does.

import { XMLParser } from "fast-xml-parser";
import WXBizMsgCrypt from "wechat-crypto";

const { WECHAT_TOKEN, WECHAT_AES_KEY, WECHAT_APP_ID } = process.env;
// MsgId is larger than the integers that a number holds.
const parser = new XMLParser({ parseTagValue: false });

export const crypto = new WXBizMsgCrypt(WECHAT_TOKEN, WECHAT_AES_KEY, WECHAT_APP_ID);

/** The message of a push. Throws if the signature or the AppID is wrong. */
export function openPush(query, body) {
  const encrypted = parser.parse(body).xml.Encrypt;
  if (crypto.getSignature(query.timestamp, query.nonce, encrypted) !== query.msg_signature) throw new Error("signature");
  const { message, id } = crypto.decrypt(encrypted);
  if (id !== WECHAT_APP_ID) throw new Error("AppID");
  return parser.parse(message).xml;
}
