//! Requests for verification codes, passwords, card numbers or money. No source makes them acceptable: a desk never needs them.

const SECRETS: [&str; 34] = [
    "验证码",
    "校验码",
    "动态码",
    "短信码",
    "动态口令",
    "密码",
    "口令",
    "卡号",
    "安全码",
    "身份证号",
    "身份证号码",
    "银行卡照片",
    "身份证照片",
    "支付码",
    "付款码",
    "助记词",
    "私钥",
    "cvv",
    "cvv2",
    "otp",
    "otps",
    "password",
    "passwords",
    "passcode",
    "pin",
    "verification code",
    "security code",
    "sms code",
    "card number",
    "credit card details",
    "bank details",
    "ssn",
    "seed phrase",
    "private key",
];
/// What a visitor is asked to do with one of them.
const GIVES: [&str; 26] = [
    "给我",
    "发我",
    "告诉我",
    "告诉客服",
    "给客服",
    "给我们",
    "提供",
    "报一下",
    "报给",
    "报下",
    "说一下",
    "发来",
    "发过来",
    "发一下",
    "发到这",
    "发出来",
    "回复",
    "私信",
    "告知",
    "念给",
    "截图",
    "透露",
    "发给工作人员",
    "传给",
    "打给我",
    "告诉工作人员",
];
const GIVES_IN_ENGLISH: [&str; 10] =
    ["send", "tell", "give", "share", "provide", "text", "reply", "message", "forward", "enter"];
/// Requests for money.
const TRANSFERS: [&str; 30] = [
    "转账到",
    "转账给",
    "转账至",
    "转帐到",
    "转帐给",
    "汇款到",
    "汇款给",
    "汇款至",
    "打款到",
    "打款给",
    "打钱",
    "转给我",
    "转到我",
    "转到以下",
    "转到这个",
    "转到该",
    "转入以下",
    "转入安全账户",
    "安全账户",
    "直接转账",
    "先转账",
    "付款到以下",
    "付到我",
    "付给我",
    "扫我的",
    "transfer the money",
    "transfer money",
    "wire the",
    "pay me directly",
    "send the payment to my",
];
const NEGATIONS: [&str; 26] = [
    "请勿",
    "勿",
    "不要",
    "不会",
    "切勿",
    "别",
    "不用",
    "无需",
    "不需要",
    "不必",
    "绝不",
    "从不",
    "不得",
    "不能",
    "谨防",
    "警惕",
    "防止",
    "拒绝",
    "never",
    "don't",
    "do not",
    "not ask",
    "not need",
    "won't",
    "will not",
    "no need",
];

/// Negations of something else.
const REASSURANCES: [&str; 8] =
    ["不用担心", "别担心", "不要担心", "无需担心", "不用着急", "别着急", "不要着急", "don't worry"];

/// Whether the answer asks for one of them. It is in lower case.
pub(super) fn are_asked_for(answer: &str) -> bool {
    let answer = &REASSURANCES.iter().fold(answer.to_owned(), |text, words| text.replace(words, ""));
    let clauses: Vec<_> = answer.split(|c: char| "\n.!?;。！？；".contains(c)).collect();
    clauses.into_iter().any(|sentence| {
        // 请勿 at the start of a sentence holds for its other clauses.
        let mut is_negated = false;
        sentence.split([',', '，', '、']).any(|clause| {
            is_negated |= NEGATIONS.iter().any(|negation| clause.contains(negation));
            !is_negated && asks(clause)
        })
    }) || asks_across(answer)
}

fn asks(clause: &str) -> bool {
    let has_secret = SECRETS.iter().any(|secret| has(clause, secret));
    let gives = || GIVES.iter().any(|give| clause.contains(give)) || gives_in_english(clause);
    has_secret && gives() || TRANSFERS.iter().any(|transfer| clause.contains(transfer))
}

/// 收到的验证码，麻烦发给我: the two are in adjacent clauses of a sentence without a negation.
fn asks_across(answer: &str) -> bool {
    const TO_US: [&str; 6] = ["发给我", "告诉我", "报给我", "给我报", "发我", "send it to me"];
    answer.split(|c: char| "\n!?;。！？；".contains(c)).any(|sentence| {
        let is_negated = NEGATIONS.iter().any(|negation| sentence.contains(negation));
        !is_negated
            && SECRETS.iter().any(|secret| has(sentence, secret))
            && TO_US.iter().any(|to| sentence.contains(to))
    })
}

/// Whether an English verb of giving and me, us or your are before a secret: please provide your password.
fn gives_in_english(clause: &str) -> bool {
    let words: Vec<_> = clause.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.iter().enumerate().any(|(at, word)| {
        let after = &words[at + 1..words.len().min(at + 6)];
        // Entering one's own password is what a page asks for.
        let to_us: &[&str] = if *word == "enter" { &["here"] } else { &["me", "us", "your", "here"] };
        GIVES_IN_ENGLISH.contains(word) && after.iter().any(|word| to_us.contains(word))
    })
}

/// Whether the text has the word; a Latin one as a whole word.
fn has(text: &str, word: &str) -> bool {
    let is_letter = |c: char| word.is_ascii() && c.is_ascii_alphanumeric();
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(is_letter) && !text[at + word.len()..].starts_with(is_letter))
}
