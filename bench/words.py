"""The texts of the figures in the two languages of the READMEs."""

ON_DEMAND = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
LAMBDA = "https://aws.amazon.com/lambda/pricing/"

WORDS = {
    "README.md": {
        "head": ("Measured", "Result", "Compared with, in the same run"),
        "push": "Verify, decrypt and parse a 600-byte push, {}",
        "bound": "{ratio:.1f} × the bound of {bound:.2f} µs (SHA-1 and AES-256-CBC over the same bytes)",
        "session_from": "Read a `session-from` with four levels of `transfer_action`, 738 bytes",
        "json": "{ratio:.1f} × reading the JSON in it alone ({bound:.1f} µs)",
        "routing": "Routing decision: four levels, each with a group of 20 agents, all evaluated",
        "per_second": "{time:.1f} µs, {rate:,.0f} a second",
        "hash": "{ratio:.1f} × one hash of the same facts written out ({bound:.1f} µs)",
        "assignment": "Push acknowledged → conversation assigned, in `local` at {} new visitors a second",
        "reached": "{reached:.0f} a second reached; the push itself took {p50:.0f} ms",
        "unassigned": "; {} not assigned",
        "slower": "{ratio:.0f} × the time of Kefu",
        "peer_push": "The same push with {}",
        "total": "`message-ingress`: process start → first push answered",
        "emulator_total": "the same, with the emulated table of `local` behind it",
        "peer_total": "A minimal function with {}: the same",
        "peer_warm": "CPU time of a warm push with {}",
        "peer_rss": "{:.0f} MB resident",
        "desk_api_total": "`desk-api`: process start → first `GET /api/conversations` answered",
        "start": "{total:.1f} ms, {cpu:.1f} ms of it CPU time",
        "hello": "{ratio:.1f} × a hello-world function ({hello:.1f} ms); CPU time {cpu_ratio:.1f} × ({hello_cpu:.1f} ms)",
        "init": "of which init, until the first poll: connections open, the vault's key and the push credentials read",
        "hundredth": "the hundredth push",
        "warm_cpu": "CPU time of a warm push",
        "small": "First push after the start, at a 128 MB function's share of the CPU",
        "small_hundredth": "the hundredth: {:.2f} ms",
        "skipped": "not measured: {}",
        "size": "Binary of `{}`, zipped",
        "unzipped": "{:.2f} MB unzipped",
        "rss": "Peak resident memory, after a hundred pushes",
        "hello_rss": "hello world: {:.1f} MB",
        "log": "Log of a push",
        "bytes": "{:.0f} bytes",
        "foot": "Medians on {cpu}, {cores} cores, {date}; of {full} starts ({small} at the small share, {peers} of the functions with other"
                " libraries), interleaved; a machine with other work adds to the times, less to CPU times and ratios. DynamoDB and Secrets"
                " Manager are prepared answers behind TLS on loopback; no network, microVM or download of code is in them. The functions"
                " with other libraries have the push credentials in their environment and read no secret. The first rows are measured at"
                " the optimization level that is deployed. For {seconds} seconds at each rate, every message of a"
                " new visitor for one group of 40 agents; simulated WeChat, functions and an emulated database share the processors,"
                " which is what bounds the highest rate. Made"
                " by `python3 bench/figures.py`, which runs `bench/peers/install.py`, `cargo bench -p wechat`, `cargo bench -p desk`,"
                " `target/release/cold-start`, `target/release/assignment` and `target/release/requests`.",
        "cost_title": "Requests to DynamoDB and SQS, counted, and the cost of a million of each at list price:",
        "cost_head": ("Each", "Requests", "RRU", "WRU", "USD per million", "Lambda: invocations, USD per million"),
        "steps": {
            "message_to_agent": "message to the agent who has the conversation",
            "first_message_assigned": "first message, assigned at once",
            "first_message_queued": "first message, queued, the visitor gets their position",
            "close_and_assign_next": "an agent closes, and the next one waiting is assigned",
            "agent_reply": "agent's reply",
            "card": "card, its picture already uploaded",
            "close_without_queue": "an agent closes, and the queue is empty",
            "message_to_robot": "message to a robot",
            "faq_answer": "answer of an `faq` robot",
            "tick_after_robot_turn": "the tick's check of a conversation after a robot's turn",
            "heartbeat": "heartbeat of a workbench, every 30 seconds",
        },
        "assumed": "RRU and WRU are read and write request units by the rules of DynamoDB and the sizes of the items, transactions and"
                   " indexes included, for texts of 40 characters and groups of ten, without contention. The functions are warm and get one"
                   " record at a time; batches share invocations. Lambda's duration, API Gateway and storage are not included.",
        "sizes": "With {large[waiting]} conversations waiting instead of {small[waiting]}, and {large[bystanders]} agents and groups that"
                 " the decision does not concern instead of {small[bystanders]}, every count is the same, by function and operation;"
                 " `cargo run -p bench --bin requests` fails otherwise. {same}",
        "same_text": "So are the units.",
        "grown_text": "Units grow only where the first entries of a queue are read, at most 100: {}.",
        "grown": "“{step}” reads {after} instead of {before}",
        "and": "; ",
        "idle": "A minute without traffic takes {requests} requests and {invocations} invocations: ${dynamodb:.2f} and"
                " ${functions:.2f} a month.",
        "prices": f"List prices of us-east-1: [${{read_units}} per million RRU, ${{write_units}} per million WRU]({ON_DEMAND}),"
                  f" [${{invocations:.2f}} per million invocations]({LAMBDA}).",
    },
    "README.zh-CN.md": {
        "head": ("测量项", "数值", "同一次运行中的对照"),
        "push": "一条 600 字节推送的验签、解密与解析，{}",
        "bound": "下限 {bound:.2f} µs（对同样字节做 SHA-1 与 AES-256-CBC）的 {ratio:.1f} 倍",
        "session_from": "解析一条含四级 `transfer_action` 的 `session-from`，738 字节",
        "json": "仅解析其中 JSON（{bound:.1f} µs）的 {ratio:.1f} 倍",
        "routing": "一次路由决策：四级、每级一个 20 人技能组，逐级查看",
        "per_second": "{time:.1f} µs，每秒 {rate:,.0f} 次",
        "hash": "对同样数据的文本做一次哈希（{bound:.1f} µs）的 {ratio:.1f} 倍",
        "assignment": "推送应答 → 会话分配给客服，`local`，每秒 {} 位新访客",
        "reached": "实际达到每秒 {reached:.0f} 次；推送本身耗时 {p50:.0f} ms",
        "unassigned": "；{} 个未分配",
        "slower": "Kefu 用时的 {ratio:.0f} 倍",
        "peer_push": "同一条推送，使用 {}",
        "total": "`message-ingress`：进程启动 → 首条推送应答",
        "emulator_total": "同上，数据表为 `local` 的模拟表",
        "peer_total": "使用 {} 的最小函数：同上",
        "peer_warm": "使用 {} 的热推送，每条 CPU 时间",
        "peer_rss": "常驻内存 {:.0f} MB",
        "desk_api_total": "`desk-api`：进程启动 → 首个 `GET /api/conversations` 应答",
        "start": "{total:.1f} ms，其中 CPU 时间 {cpu:.1f} ms",
        "hello": "hello world 函数（{hello:.1f} ms）的 {ratio:.1f} 倍；CPU 时间 {cpu_ratio:.1f} 倍（{hello_cpu:.1f} ms）",
        "init": "其中直到首次请求事件为止：连接已建立，保险库密钥与推送凭据已读取",
        "hundredth": "第一百条推送",
        "warm_cpu": "热推送，每条 CPU 时间",
        "small": "启动后的首条推送，CPU 份额等同 128 MB 函数",
        "small_hundredth": "第一百条：{:.2f} ms",
        "skipped": "未测量：{}",
        "size": "`{}` 的二进制文件，zip 压缩后",
        "unzipped": "压缩前 {:.2f} MB",
        "rss": "处理一百条推送后的内存峰值",
        "hello_rss": "hello world：{:.1f} MB",
        "log": "一条推送的日志",
        "bytes": "{:.0f} 字节",
        "foot": "以上为中位数；机器：{cpu}，{cores} 核；日期：{date}；启动 {full} 次（小份额 {small} 次，使用其他库的函数 {peers} 次），交替进行；"
                "机器上的其他负载会拉长时间，对 CPU 时间与倍数影响较小。DynamoDB 与 Secrets Manager 为本机回环 TLS 之后的预制应答，不含网络、"
                "微虚拟机与代码下载的时间。使用其他库的函数从环境变量取得推送凭据，不读取任何密钥。开头几行按实际部署的优化级别测量。每种速率持续 {seconds} 秒，每条消息来自一位新访客，全部进入一个 40 人的技能组；模拟微信、函数与模拟数据库"
                "共用处理器，最高速率即受限于此。由 `python3 bench/figures.py` 生成，它运行 `bench/peers/install.py`、`cargo bench -p wechat`、"
                "`cargo bench -p desk`、`target/release/cold-start`、`target/release/assignment` 与 `target/release/requests`。",
        "cost_title": "对 DynamoDB 与 SQS 的请求（实际计数），以及每百万次按目录价的费用：",
        "cost_head": ("每次", "请求", "RRU", "WRU", "每百万次（美元）", "Lambda：调用次数，每百万次（美元）"),
        "steps": {
            "message_to_agent": "访客给已接待客服的消息",
            "first_message_assigned": "首条消息，立即分配",
            "first_message_queued": "首条消息，进入排队并告知位置",
            "close_and_assign_next": "客服结束会话，排队的下一位被分配",
            "agent_reply": "客服回复",
            "card": "卡片，封面已上传",
            "close_without_queue": "客服结束会话，无人排队",
            "message_to_robot": "给机器人的消息",
            "faq_answer": "`faq` 机器人的回答",
            "tick_after_robot_turn": "机器人应答后的一次定时检查",
            "heartbeat": "工作台心跳，每 30 秒一次",
        },
        "assumed": "RRU 与 WRU 为读、写请求单位，按 DynamoDB 的规则与条目大小计算，含事务与索引；文本 40 字，技能组十人，无争用。函数均为热启动，"
                   "每次调用只处理一条记录；批处理会共用调用。未计入：Lambda 运行时长、API Gateway、存储。",
        "sizes": "排队会话从 {small[waiting]} 增至 {large[waiting]}、与决策无关的客服与技能组从 {small[bystanders]} 增至 {large[bystanders]}，"
                 "各函数各操作的请求数完全相同；否则 `cargo run -p bench --bin requests` 会失败。{same}",
        "same_text": "请求单位也相同。",
        "grown_text": "只有读取队列前部条目（最多 100 条）时单位会增加：{}。",
        "grown": "“{step}”读取 {after}，而非 {before}",
        "and": "；",
        "idle": "没有任何事情发生的一分钟：{requests} 次请求、{invocations} 次调用，每月 ${dynamodb:.2f} 与 ${functions:.2f}。",
        "prices": f"us-east-1 目录价：[每百万 RRU ${{read_units}}，每百万 WRU ${{write_units}}]({ON_DEMAND})，"
                  f"[每百万次调用 ${{invocations:.2f}}]({LAMBDA})。",
    },
}
