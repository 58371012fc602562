use proptest::prelude::*;

use super::*;

#[test]
fn markup_is_cut_out() {
    for (markdown, expected) in [
        ("**全场满99元包邮**", "全场满99元包邮"),
        ("### 退货", "退货"),
        ("[退货申请](https://example.com/r)", "退货申请 https://example.com/r"),
        ("请点[退货申请](https://example.com/r)。", "请点退货申请 https://example.com/r 。"),
        ("请点 [退货申请](https://example.com/r \"标题\") 提交", "请点 退货申请 https://example.com/r 提交"),
        ("## 一、说明 ##\n\n支持 *七天* 退货，__请放心__。", "一、说明\n\n支持 七天 退货，请放心。"),
        ("说明\n===\n内容", "说明\n内容"),
        ("***重要***", "重要"),
        ("~~99元~~ 89元", "99元 89元"),
        ("请输入 `KEFU 1`，或 ``a`b``", "请输入 KEFU 1，或 a`b"),
        ("如下：\n\n```json\n{\"a_b_\": \"*x*\"}\n```\n\n完", "如下：\n\n{\"a_b_\": \"*x*\"}\n\n完"),
        ("~~~\n*x*\n~~~", "*x*"),
        ("- 一\n- **二**\n  - 三", "• 一\n• 二\n  • 三"),
        ("* 一\n* 二", "• 一\n• 二"),
        ("1. 打开\n2. **提交**", "1. 打开\n2. 提交"),
        ("> 引用一\n> 引用二\n\n后文", "引用一\n引用二\n\n后文"),
        (">> 两层", "两层"),
        ("一\n\n---\n\n二", "一\n\n二"),
        ("![付款码](https://example.com/a.png)", "付款码 https://example.com/a.png"),
        ("![](https://example.com/a.png)", "https://example.com/a.png"),
        ("见 <https://example.com/r>。", "见 https://example.com/r。"),
        ("写信给 <a@example.com>", "写信给 a@example.com"),
        ("[https://example.com/r](https://example.com/r)", "https://example.com/r"),
        ("拨打[客服](tel:400-800-1234)", "拨打客服 400-800-1234"),
        ("[顶部](#top)", "顶部"),
        ("[**退货**](https://example.com/r)", "退货 https://example.com/r"),
        ("**[退货](https://example.com/r)**", "退货 https://example.com/r"),
        ("[退货][1]\n\n[1]: https://example.com/r", "退货 https://example.com/r"),
        ("| 商品 | 运费 |\n|---|:-:|\n| 上衣 | **9元** |\n| 鞋 | 10元 |", "商品  运费\n上衣  9元\n鞋  10元"),
        ("商品 | 运费\n--- | ---\n上衣 | 9元\n\n后文", "商品  运费\n上衣  9元\n\n后文"),
        ("一<br>二<br/>三 <b>四</b>", "一\n二\n三 四"),
        ("5 \\* 3 \\_x\\_ \\#1", "5 * 3 _x_ #1"),
        ("A&amp;B&nbsp;C", "A&B C"),
    ] {
        assert_eq!(from_markdown(markdown), expected, "{markdown}");
    }
}

#[test]
fn stars_beside_fullwidth_punctuation_are_cut() {
    for (markdown, expected) in [
        ("**注意：**请在7天内申请", "注意：请在7天内申请"),
        ("请**“保持完好”**退回", "请“保持完好”退回"),
        ("**一、**打开**（二）**提交", "一、打开（二）提交"),
        ("***注意！***请看", "注意！请看"),
        ("价格**99元**起", "价格99元起"),
    ] {
        assert_eq!(from_markdown(markdown), expected, "{markdown}");
    }
}

#[test]
fn text_without_markup_is_unchanged() {
    for text in [
        "2*3*4",
        "尺寸：长*宽*高，12*34，56*78",
        "2**3**4",
        "5 * 3 * 2",
        "138****1234，138**1234，139**5678",
        "snake_case_name 和 _开头",
        "https://example.com/_a_/b_c_d?x=*1*&y=~~2~~&copy=1",
        "见https://example.com/a_(b)，谢谢",
        "#1 号门，#话题#",
        "😀👍 (*^_^) >_< ~",
        "10~20元，30~40元",
        "第一行\n第二行\n\n\n  第四行",
        "\u{3000}\u{3000}缩进的段落",
        "1. 一\n2. 二",
        "1) 一\n2）二",
        "满100 > 99 且 < 200，-5度，+86 138",
        "【提示】[1] [微笑] (注)",
        "a | b",
        "<a href=\"https://example.com/\">查看</a>",
        "<订单号> 与 & 与 \\ 和 C:\\目录",
        "价格 $5 和 $6",
        "*",
        "**",
        "`",
        "",
    ] {
        assert_eq!(from_markdown(text), text);
    }
}

proptest! {
    #[test]
    fn any_text_is_converted(text in "(\\PC|[*_~`#>|\\[\\]()!<\\\\&;:/. \\-+=0-9a-z\\n]|\\*\\*|://|\\[x\\]\\(|\\|-\\||```\\n){0,60}") {
        let plain = from_markdown(&text);
        prop_assert!(plain.len() <= text.len() * 3 + 16);
    }

    #[test]
    fn letters_are_kept(text in "[*_~`# >\\n一二三a-c]{0,60}") {
        let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
        // The words after an opening fence are its language.
        if !text.contains("```") && !text.contains("~~~") {
            prop_assert_eq!(letters(&from_markdown(&text)), letters(&text));
        }
    }
}
