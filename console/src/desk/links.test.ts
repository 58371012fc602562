import { describe, expect, test } from "vitest";
import { isAppId, linkText, segmentsOf } from "./links";

const link = { label: "看订单", appid: "wx0123456789abcdef", path: "pages/order/order?id=8&from=chat", href: "" };

describe("link of a mini program", () => {
  test("is written as WeChat wants it", () => {
    expect(linkText(link)).toBe('<a data-miniprogram-appid="wx0123456789abcdef" data-miniprogram-path="pages/order/order?id=8&from=chat">看订单</a>');
    expect(linkText({ ...link, href: "https://shop.example/" })).toContain('<a href="https://shop.example/" data-');
  });

  test.each([
    ['pages/a?x="><script>', "pages/a?x=%22%3E%3Cscript%3E"],
    ["pages/a?x='y z'", "pages/a?x=%27y%20z%27"],
    ["pages/a?a=1&copy;", "pages/a?a=1&copy%3B"],
  ])("path %s cannot leave its attribute", (path, written) => {
    expect(linkText({ ...link, path })).toContain(`data-miniprogram-path="${written}">`);
  });

  test("label cannot hold a tag, and is one line", () => {
    expect(linkText({ ...link, label: "</a><b>\n x " })).toMatch(/>＜\/a＞＜b＞ x<\/a>$/);
  });

  test("is found again in a text", () => {
    const text = `您好，${linkText(link)}，谢谢`;
    expect(segmentsOf(text)).toEqual([{ kind: "text", text: "您好，" }, { kind: "link", link }, { kind: "text", text: "，谢谢" }]);
  });

  test.each(["<a href=\"https://evil.example\">x</a>", "<a onclick=x data-miniprogram-appid=\"wx\">x</a>", "<a data-miniprogram-appid=\"wx\"><b>x</b></a>", "a < b > c", ""])(
    "%s is not one",
    (text) => expect(segmentsOf(text)).toEqual(text === "" ? [] : [{ kind: "text", text }]),
  );

  test("AppIDs have sixteen hexadecimal digits", () => {
    expect(isAppId(" wx0123456789abcdef ")).toBe(true);
    expect(isAppId("wx0123")).toBe(false);
  });
});
