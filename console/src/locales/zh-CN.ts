// 简体中文. The English file has the same keys; a test compares them.
export default {
  app: { skip: "跳到输入框", desk: "工作台", more: "更多", close: "关闭", cancel: "取消", ok: "确定", retry: "重试", back: "返回", copied: "已复制", loading: "正在加载", new_version: "有新版本", reload: "点此刷新", region_nav: "主导航", not_found: "没有这个页面", copy: "复制", not_copied: "浏览器不允许复制", save: "保存", done: "完成", delete: "删除", edit: "修改" },
  sign_in: {
    title: "登录 Kefu", ended: "登录已结束，请重新登录", code_bad: "这个登录链接已经用过或过期。请向管理员要一个新的。", busy: "正在登录…",
    how: "请打开管理员给您的登录链接。链接只能用一次，十分钟内有效。", token: "用访问令牌登录", token_label: "访问令牌", go: "登录", token_bad: "这个令牌无效", out: "退出登录", sure: "退出后，未发送的草稿也会清除。",
  },
  sessions: { title: "已登录的设备", unknown: "未知设备", this: "本机", used: "上次使用 {t}", end: "退出", end_of: "退出 {device}", end_others: "退出其他全部设备" },
  role: { admin: "管理员", supervisor: "组长", agent: "客服", integrator: "程序" },
  status: {
    label: "我的状态", online: "在线", busy: "忙碌", away: "小休", offline: "离线", absent: "未连接", reason: "小休原因", reason_hint: "如：午饭、会议", load: "接待 {load}/{capacity}",
    offline_sure: "离线后，不再分到新会话；您手上的会话会留在您这里，三分钟没有心跳则回到排队。", none: "未设置", changed: "状态：{status}",
    presets: "午饭 / 会议 / 培训 / 休息一下",
  },
  view: { label: "会话列表", mine: "会话中", waiting: "排队", left_messages: "留言", robot: "机器人", closed: "已结束", all: "全部" },
  empty: {
    mine: "没有进行中的会话。保持在线，新会话会分到这里。", mine_offline: "您现在不是在线状态，不会分到新会话。", waiting: "没有人排队。", left_messages: "没有留言。", robot: "机器人没有在接待的会话。", closed: "还没有结束的会话。", all: "还没有会话。访客在小程序里点“联系客服”后会出现在这里。",
    pick: "选一个会话开始", pick_more: "用 Alt+J、Alt+K 上下移动，按 ? 看全部快捷键", go_online: "上线",
  },
  list: {
    error: "列表没有更新：{why}", sort: "排序", sort_waiting: "等待最久", sort_newest: "最新消息", next: "接入下一位", next_none: "没有可接入的排队", waiting_count: "{n} 人排队", draft: "草稿", held: "{n} 条已留住", unread: "{n} 条未读", waits: "等 {t}", place: "第 {n} 位",
    row: "{name}，{parts}", you: "我：", robot: "机器人：", prompt: "提示：", picture: "[图片]", card: "[小程序卡片]", link: "[链接]", other: "[不支持的消息]", event: "[进入会话]",
  },
  face: { visitor: "访客 {n}" },
  head: {
    group: "组：{name}", since: "{t} 接入", queue_since: "排队中，{t} 开始", robot: "机器人接待中", left: "留言", closed: "已结束 {t}", by: { agent: "客服结束", admin: "管理员结束", supervisor: "组长结束", visitor: "访客结束", idle: "超时结束" },
    transfer: "转接", close: "结束", claim: "接入", claim_robot: "接入（机器人停止）", accept: "开始接待", with: "{agent} 接待", info: "资料", info_hide: "收起资料", copy_cid: "复制会话号",
  },
  quota: {
    left: "剩 {n} 条 · {t}", range: "剩 {n}–{m} 条 · {t}", maybe: "剩 {n} 条，或许多 {m} 条 · {t}", one: "只剩 1 条，请一次说完", none: "5 条已用完 · {t}", closed: "48 小时窗口已关", tip: "访客每发一条消息，微信允许回复 5 条，48 小时内有效，不累加。", minutes: "{n} 分", ends: "{name}：{n} 分钟后不能再回复",
  },
  composer: {
    label: "回复", hint: "输入消息，Enter 发送，Shift+Enter 换行", hint_ctrl: "输入消息，Ctrl+Enter 发送", send: "发送", send_hold: "留住", hold: "现在发不出去：会留住，访客再说话时自动发出", closed: "窗口已关。访客再发消息后才能回复", ended: "会话已结束。访客的下一条消息会开始新的会话", parts: "约 {n} 条，会用掉 {n} 次回复", size: "{n}/{max} 字节", too_long: "太长：最多 {max} 字节，请分几次发", not_yours: "{agent} 正在接待。要由您回复，请对方转接给您", claim: "接入后才能回复", claim_robot: "机器人在接待。接入后机器人不再回答", emoji: "表情", emoji_label: "选择表情", card: "卡片",
  },
  msg: {
    visitor: "访客", robot: "机器人", prompt: "自动提示", person: "客服", you: "我", integrator: "程序", admin: "管理员", supervisor: "组长",
    pending: "待发送", sending: "发送中…", sent: "已发送", held: "已留住，等访客再说话", held_until: "已留住，等访客再说话，最晚到 {t}", released: "已和访客的新消息一起发出", hold_expired: "没等到访客说话，已过期，没有发出", unknown: "不知道是否送达。为避免重复不会再发，请向访客确认", failed: "没发出去：{why}", cancelled: "已撤回，访客没有看到", recall: "微信不支持撤回已发出的消息", take_back: "撤回", take_back_edit: "撤回并修改", edit: "放回输入框", ai: "AI 生成",
    picture: "访客发来的图片", picture_out: "发出的图片", raw: "不支持的消息（{type}）", raw_show: "看原文", card: "小程序卡片", card_path: "路径", copy_path: "复制路径", link: "链接", unfold: "展开全文（{n} 字）", fold: "收起", older: "更早的消息", begin: "会话开始", new: "{n} 条新消息", errcode: "微信错误码 {n}", retry: "重发", log: "对话记录", zone: "时间按 {zone} 显示",
    unread_from: "以下是未读消息", ignored: { blocked: "访客已被拉黑：这条没有分配，也没有自动回复", too_many: "访客发得太快：这条没有引起自动回复" },
  },
  event: {
    handoff: "转人工：{why}", robot: "机器人接待", assigned: "分配给 {agent}", assigned_queue: "{agent} 从排队接到，等了 {t}", assigned_claimed: "{agent} 接入", assigned_transferred: "转接给 {agent}", queued: "进入排队：{queue}，前面 {n} 人", queued_first: "进入排队：{queue}，排在第一", left: "没有人能接待，请访客留言", accepted: "{agent} 开始接待", transferred: "{from} 转给 {to}", transferred_why: "{from} 转给 {to}：{why}", requeued: "{agent} 掉线，会话回到排队", overflowed: "溢出：{why}", idle: "已提醒访客：久未回复将结束", closed: "会话结束", not_said: "有一句自动提示没发：回复条数不够", trail: "看经过（{n} 级）", level: "第 {n} 级", by_admin: "管理员", unknown_event: "{type}",
    trail_part: "{target}（{why}）",
  },
  why: {
    off_work: "不在工作时间", offline: "没有人在岗", busy: "都在忙", queue_full: "排队已满", not_found: "找不到“{id}”", takeable: "有人可接", agent_gone: "{agent} 掉线，会话回到排队", nobody_there: "没有人在岗", waited: "等了 {t}，超过最长等待", transferred: "人工转接", left_message: "留言后又来消息", message: "访客来消息",
    queue_share: "这个小程序占的排队名额已满",
  },
  verdict: { assigned: "已分配", queued: "排队", passed_on: "溢出", left_message: "留言", robot: "机器人" },
  handoff: { keyword: "访客要求人工", misses: "连续答不上", repeated: "反复问同一句", robot: "机器人主动转", picked: "访客选 0", failed: "机器人无响应", person: "有人直接回复" },
  claim: { taken: "慢了一步，{agent} 已接入。", taken_next: "慢了一步，{agent} 已接入。换下一位？", done: "已接入 {name}", take_next: "下一位" },
  transfer: {
    title: "转接 {name}", to_group: "转给组", to_agent: "转给同事", search: "搜索组或同事", reason: "转接原因（同事能看到，访客看不到）", go: "转接", full: "{agent} 已满（{n}/{max}），不能再接", offline: "离线", absent: "没有连接", free: "{n} 人空闲", online: "{n} 人在岗", none: "没有人在岗", wait: "都在忙：会排在第 {n} 位，5 分钟内不会再回到你这里", load: "{load}/{capacity}", nobody: "没有别的组或同事", pick: "请选择转给谁", done: "已转给 {name}",
    waiting: "{n} 人排队",
  },
  close: { title: "结束与 {name} 的会话", note: "小结", note_hint: "处理了什么，给以后的自己和同事看", solved: "已解决", unsolved: "未解决", result: "结果", go: "结束会话", next: "结束并看下一个", held: "还有 {n} 条留住的文字没有发出。结束后它们不会再发。", done: "会话已结束" },
  card: { title: "发送小程序卡片", name: "标题", name_hint: "最多 64 字", path: "页面路径", path_hint: "如 pages/item/item?id=8", cover: "封面图片地址", cover_hint: "https 开头，最大 2 MB，显示为 5:4", preview: "访客看到的样子", send: "发送卡片", recent: "最近发过", bad_path: "路径不能以 / 开头，不能有空格", bad_cover: "要以 https:// 开头", needed: "必填", costs: "会用掉 1 次回复", done: "卡片已发送", cover_choose: "用图片做封面", cover_own: "用选好的图片", cover_drop: "改用地址" },
  side: {
    label: "访客资料", nickname: "昵称", openid: "openid", unionid: "unionid", partnerid: "partnerid", params: "自带参数", fields: "自定义字段", first: "首次", last: "最近", app: "小程序", person: "同一个人在别的小程序", cid: "会话号", customer: "商户",
    profile: "资料", history: "历史", person_history: "看这些会话", ids: "编号", copy: "复制{what}", width: "资料栏宽度",
  },
  id: { verified: "身份已核实", claimed: "自报身份，未核实", bad: "签名不对，可能是冒充", stale: "签名已过期", },
  sync: { reconnecting: "正在重连…", stale: "上次同步 {t}，重连后补齐", gone: "你可能已被视为离开：不再分到新会话，3 分钟后会话回到排队", now: "现在重试", back: "已恢复连接" },
  notify: { message: "{name} 发来消息", assigned: "新会话：{name}", queue: "有 {n} 人排队", locked: "声音要在页面上点一下才能响", },
  settings: {
    title: "设置", language: "语言", theme: "外观", theme_system: "跟随系统", theme_light: "浅色", theme_dark: "深色", sound: "声音", sound_message: "新消息", sound_new: "新会话", sound_queue: "有人排队", volume: "音量", desktop: "桌面通知", desktop_ask: "开启桌面通知", desktop_on: "已开启", desktop_denied: "浏览器不允许。请在浏览器的网站设置里打开。", keys: "快捷键", keys_on: "启用 Alt 快捷键", enter_sends: "Enter 发送", ctrl_sends: "Ctrl+Enter 发送", dnd: "免打扰",
  },
  keys: {
    title: "快捷键", send: "发送", newline: "换行", next: "下一个会话", previous: "上一个会话", longest: "等我最久的会话", lists: "切换列表", transfer: "转接", close: "结束", close_next: "结束并看下一个", take: "接入下一位", card: "发卡片", status: "我的状态", region: "下一个区域", escape: "关闭，然后回到输入框", help: "显示快捷键",
    search: "搜索会话",
    note: "写备注", star: "加、去星标", picture: "发图片", replies: "快捷回复（输入框为空时）",
  },
  block: {
    title: "拉黑 {name}", means: "访客还能发消息，您能看到，但不分配、不自动回复。您正在接待的会话留在您这里。", how_long: "多久", day: "24 小时", week: "7 天", ever: "永久", reason: "原因（同事能看到，访客看不到）", reason_hint: "如：辱骂、骚扰、广告", needed: "请写明原因", too_long: "原因太长：最多 {max} 字节", go: "拉黑", done: "已拉黑 {name}", end: "解除拉黑", ended: "已解除拉黑", until: "已拉黑，到 {t}", for_ever: "已永久拉黑", badge: "已拉黑",
  },
  link: {
    title: "插入小程序文字链接", label: "链接文字", label_hint: "如：查看订单", path: "页面路径", appid: "小程序 AppID", appid_hint: "wx 开头，18 位", href: "打不开小程序时的网址（可不填）", href_hint: "https:// 开头", bad_appid: "AppID 是 wx 加 16 位", size: "占 {n} 字节，和文字一起发送，不另计回复", go: "插入", button: "链接",
  },
  filter: {
    text: "搜索姓名、最后一句", open: "排序和筛选", active: "筛选：{n} 个条件", app: "小程序", group: "组", all: "全部", unread: "只看未读", clear: "清除筛选", none: "{n} 个会话里没有符合筛选的",
    starred: "只看星标",
  },
  history: {
    show: "查看", this: "当前", open: "进行中", closed: "已结束", no_summary: "没有小结", none: "没有您能看的会话", more: "更早的", title: "{name} · {t}", open_it: "在工作台打开",
  },
  marks: {
    name: "备注名", name_long: "备注名太长：最多 {max} 字节", tags: "标签", add: "标签", add_hint: "输入后按 Enter", remove: "去掉标签 {tag}", tag_long: "标签太长：最多 {max} 字节", tags_many: "最多 {max} 个标签", star: "加星标", unstar: "去掉星标", star_key: "星标（Alt+S）", starred: "已加星标", unstarred: "已去掉星标", starred_row: "星标",
  },
  notes: {
    title: "备注", new: "写备注", hint: "同事能看到，访客看不到。Ctrl+Enter 保存", who: "访客看不到", add: "保存备注", too_long: "太长：最多 {max} 字节", none: "还没有备注。", deleted: "备注已删除", undo: "放回输入框",
  },
  picture: {
    button: "图片", title: "发送图片", preview: "要发送的图片", send: "发送", leave: "不发这张", costs: "会用掉 {n} 次回复。发出后不能撤回。", too_many: "只剩 {n} 条回复，后面的会发不出去", not_one: "不是图片，或者缩小后仍超过 {max} MB", none: "图片已经没有了", zoom: "放大：{what}", smaller: "缩小", larger: "放大", turn: "旋转",
  },
  replies: {
    title: "快捷回复", button: "快捷", keys: "↑↓ 选择，Enter 填入，Esc 收起", manage: "管理", none: "还没有快捷回复。点“管理”写第一条。", no_match: "没有符合的快捷回复", scope_personal: "我的", scope_group: "本组", scope_all: "全体", for: "给谁用", title_of: "标题", content: "内容", content_hint: "{'{'}visitor{'}'} 换成访客昵称，{'{'}agent{'}'} 换成您的名字", shortcut: "快捷词", shortcut_hint: "如 fh：输入 /fh", folder: "分类", search: "搜索快捷回复", needed: "请填写{field}", too_long: "{field}太长：最多 {max} 字节", sure: "删除后不能恢复。", new: "新建", edit_of: "修改 {title}",
    unknown: "{'{'}{name}{'}'} 不是变量。可以用 {'{'}visitor{'}'} 和 {'{'}agent{'}'}",
  },
  frame: {
    loading: "正在打开 {name}…", card_other_conversation: "页面想给另一个会话发卡片，已拒绝", card_too_fast: "页面发卡片太快，已拒绝：每秒最多一张", card_not_yours: "会话不在您名下，页面的卡片没有发", card_invalid: "页面的卡片内容不对，没有发",
  },
  time: { seconds: "{n} 秒", minutes: "{n} 分", hours: "{h} 小时 {m} 分", days: "{n} 天" },
  problem: { network: "网络不通", signed_out: "登录已结束", unknown: "服务器拒绝了（{code}）" },
};
