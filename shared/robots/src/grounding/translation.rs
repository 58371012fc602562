//! A glossary of a few hundred words of customer service, English to Chinese, for answers in another language than the passages.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

static TRANSLATIONS: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| GLOSSARY.split_whitespace().filter_map(|entry| entry.split_once('=')).collect());
static STOP_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| STOP_WORDS_TEXT.split_whitespace().collect());

/// English words with their Chinese translations.
const GLOSSARY: &str = "\
    accept=接受,支持,可以 account=账号,账户 address=地址 agent=客服,人工 amount=金额 app=小程序 apply=申请 approval=审核,通过 approve=审核,通过 \
    approved=审核,通过 arrive=到,送达 audit=审核 available=可以,有 bag=包 balance=余额 bank=银行 battery=电池 birthday=生日 book=预约,预订 \
    booking=预订,预约 box=盒 brand=品牌 broken=坏,破 business=工作 cancel=取消 cancellation=取消 card=卡 care=保养 cash=现金 change=修改,更换,换 \
    charge=收,费 check=检查,查 checkup=体检 choose=选 clean=洗 clothes=衣服 code=码,验证码 color=颜色 colour=颜色 company=公司,企业 complete=完整 \
    condition=条件 confirm=确认 contact=联系 cost=费 cotton=棉 coupon=优惠券,券 courier=快递 cover=范围,保 credit=信用 customer=客户,顾客,人工 \
    customs=海关 damage=损坏 damaged=损坏 date=日期 day=天,日 deliver=送,配送,发 delivery=送,配送,收货,发货 deposit=定金 detail=详情 \
    discount=折,优惠 download=下载 earn=积,得 email=邮箱,邮件 exchange=换货,换 expire=过期 express=快递 fabric=面料 fast=禁食,快 fee=费 \
    gift=礼品,赠 group=团 guest=入住 hand=手 holiday=节假日 home=家 hotel=酒店 hour=小时 intact=完整 invoice=发票 issue=开,退,发 item=商品 \
    language=语言 link=链接 login=登录 member=会员 membership=会员 message=短信,消息 money=钱,款 month=月 night=晚 number=号 offer=提供,优惠 \
    online=在线 open=打开,开 order=订单,单,下单 original=原 outside=外 package=包裹,套餐 page=页 parcel=包裹 password=密码 pay=付款,支付,付 \
    payment=付款,支付 phone=手机,电话 picture=图片 point=积分 postage=运费,邮费 price=价 product=商品 quality=质量 reach=到账,到 receive=收到,收 \
    receipt=收据,收货 refund=退款 region=地区 replace=更换,换 request=申请 reset=重设,重置 return=退货,退回,退 review=评价 room=房 sale=销售 \
    seal=封 select=选 sell=销售,卖 send=发,寄 service=服务,客服 set=设 settings=设置 ship=发货,发,运费,邮 shipment=发货 shipping=运费,发货,配送 \
    shop=店 size=尺码 sms=短信 spend=消费 stock=现货,货 store=门店,店 submit=提交 support=支持 tag=吊牌 tap=点 tax=税 ticket=票 time=时间 \
    track=物流,查 unused=未使用 update=更新 use=用 valid=有效 verification=验证 visitor=访客 wait=等 warranty=保修,质保 wash=洗 watch=手表 \
    way=路 weekend=周末 week=周 weight=重量 work=工作 working=工作 year=年 yuan=元 click=点 worth=抵,值 saturday=六 sunday=日 monday=一 \
    paid=付 sent=发,寄 bought=买 buy=买 spent=消费 before=前 after=后 within=内 every=每 daily=每天 free=免费,包邮,免 stay=入住 worn=穿 \
    opened=拆 person=人 human=人为,人工 instock=现货 mailbox=邮箱 electronic=电子 e=电子 count=算 counted=顺延 excluded=顺延,不在 postponed=顺延 \
    wechat=微信 seller=卖家 buyer=买家 mini=小 program=程序 details=详情 reason=理由 questions=理由";

/// English stop words.
const STOP_WORDS_TEXT: &str = "\
    a about above again all also am an and any are as ask asked at be because been being both but by can could dear did do does doing done down each \
    either else even ever few for from further get gets give given glad go goes going good got had happy has have having hello help her here hey hi him \
    his how i if in into is it its just kindly know let like ll look made make may me might more most much must my need needs no nor not now of okay ok \
    on once only or other otherwise our out over own please pleased really regarding s same see shall she should so some sorry still such sure t take thank \
    thanks that the their them then there these they thing things this those through till to too under until up us very want was we welcome well were \
    what when where whether which while who why will with would yes you your yours yourself afraid long soon first don't can't it's we're you're i'm \
    you'll we'll that's isn't aren't didn't won't";

/// The Chinese translations of an English word.
pub(super) fn translations(word: &str) -> impl Iterator<Item = &'static str> {
    let endings = ["s", "es", "ed", "d", "ing", "ies"];
    let stems = endings.iter().filter_map(|ending| word.strip_suffix(ending));
    let found = std::iter::once(word).chain(stems).find_map(|word| TRANSLATIONS.get(word));
    found.into_iter().flat_map(|all| all.split(','))
}

/// Whether the word is an English stop word.
pub(super) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.contains(word)
}
