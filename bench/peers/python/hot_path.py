"""Prints the time in nanoseconds in which wechatpy verifies, decrypts and parses one push of 600 bytes."""

import os
import statistics
import time

os.environ.update(WECHAT_TOKEN="k4J8mP2xQ7vT9wZ3", WECHAT_AES_KEY="abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
                  WECHAT_APP_ID="wx00000000000000a1")

import xmltodict  # noqa: E402: the module `push` reads the environment
from push import crypto, open_push  # noqa: E402

SIZE, PUSHES, ROUNDS = 600, 1000, 9


def message():
    def render(content):
        return (f"<xml><ToUserName><![CDATA[gh_0a1b2c3d4e5f]]></ToUserName><FromUserName><![CDATA[oTEST-user_0001-abcdefghijklm]]>"
                f"</FromUserName><CreateTime>1750000001</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{content}]]>"
                f"</Content><MsgId>24567890123456789</MsgId></xml>")

    room = SIZE - len(render("").encode())
    content = ("你好，请问这个订单什么时候发货？" * 20).encode()[:room].decode(errors="ignore")
    return render(content + "!" * (room - len(content.encode())))


def main():
    query = {"timestamp": "1750000000", "nonce": "77001122"}
    encrypted = xmltodict.parse(crypto.encrypt_message(message(), query["nonce"], query["timestamp"]))["xml"]
    query["msg_signature"] = encrypted["MsgSignature"]
    body = f"<xml><ToUserName><![CDATA[gh_0a1b2c3d4e5f]]></ToUserName><Encrypt><![CDATA[{encrypted['Encrypt']}]]></Encrypt></xml>"
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time_ns()
        for _ in range(PUSHES):
            open_push(query, body)
        rounds.append((time.process_time_ns() - began) / PUSHES)
    print(statistics.median(rounds))


if __name__ == "__main__":
    main()
