import type zhCN from "./zh-CN";

const en: typeof zhCN = {
  app: { skip: "Skip to the reply box", desk: "Desk", more: "More", close: "Close", cancel: "Cancel", ok: "OK", retry: "Try again", back: "Back", copied: "Copied", loading: "Loading", new_version: "There is a new version", reload: "Reload", region_nav: "Main navigation", not_found: "There is no such page", copy: "Copy", not_copied: "The browser did not copy", save: "Save", done: "Done", delete: "Delete", edit: "Change" },
  sign_in: {
    title: "Sign in to Kefu", ended: "Your session has ended. Please sign in again.", code_bad: "This sign-in link was used or has expired. Ask an admin for a new one.", busy: "Signing in…",
    how: "Open the sign-in link that an admin gave you. It works once, within ten minutes.", token: "Sign in with an access token", token_label: "Access token", go: "Sign in", token_bad: "This token is not valid", out: "Sign out", sure: "Unsent drafts are deleted as well.",
  },
  sessions: { title: "Signed-in devices", unknown: "Unknown device", this: "this one", used: "last used {t}", end: "Sign out", end_of: "Sign out {device}", end_others: "Sign out all others" },
  role: { admin: "Admin", supervisor: "Supervisor", agent: "Agent", integrator: "Program" },
  status: {
    label: "My status", online: "Online", busy: "Busy", away: "Away", offline: "Offline", absent: "Not connected", reason: "Reason for being away", reason_hint: "Lunch, meeting …", load: "{load}/{capacity} conversations",
    offline_sure: "Nothing new comes to you. Your conversations stay with you; without a heartbeat they go back to the queue after three minutes.", none: "Not set", changed: "Status: {status}",
    presets: "Lunch / Meeting / Training / Short break",
  },
  view: { label: "Lists of conversations", mine: "Mine", waiting: "Waiting", left_messages: "Left messages", robot: "Robot", closed: "Closed", all: "All" },
  empty: {
    mine: "You have no conversations. While you are online, new ones come here.", mine_offline: "You are not online, so nothing new comes to you.", waiting: "Nobody is waiting.", left_messages: "No messages were left.", robot: "The robot has no conversations.", closed: "No conversation has been closed yet.", all: "No conversations yet. They appear when a visitor taps the contact button in the mini program.",
    pick: "Choose a conversation", pick_more: "Alt+J and Alt+K move up and down; ? shows all keys", go_online: "Go online",
  },
  list: {
    error: "The list is not up to date: {why}", sort: "Sort", sort_waiting: "Longest waiting", sort_newest: "Newest", next: "Take the next", next_none: "Nobody can be taken", waiting_count: "{n} waiting", draft: "Draft", held: "{n} held", unread: "{n} unread", waits: "waiting {t}", place: "place {n}",
    row: "{name}, {parts}", you: "Me: ", robot: "Robot: ", prompt: "Prompt: ", picture: "[Picture]", card: "[Mini program card]", link: "[Link]", other: "[Unsupported message]", event: "[Entered]",
  },
  face: { visitor: "Visitor {n}" },
  head: {
    group: "Group: {name}", since: "taken {t}", queue_since: "waiting since {t}", robot: "the robot has it", left: "Left message", closed: "Closed {t}", by: { agent: "closed by an agent", admin: "closed by an admin", supervisor: "closed by a supervisor", visitor: "closed by the visitor", idle: "closed after silence" },
    transfer: "Transfer", close: "Close", claim: "Take", claim_robot: "Take over from the robot", accept: "Accept", with: "{agent} has it", info: "Profile", info_hide: "Hide the profile", copy_cid: "Copy the conversation id",
  },
  quota: {
    left: "{n} left · {t}", range: "{n}–{m} left · {t}", maybe: "{n} left, perhaps {m} more · {t}", one: "1 reply left: say it all at once", none: "None of 5 left · {t}", closed: "48-hour window closed", tip: "For each message of the visitor WeChat takes 5 replies within 48 hours; they do not add up.", minutes: "{n} min", ends: "{name}: no replies after {n} min",
  },
  composer: {
    label: "Reply", hint: "Write a message. Enter sends, Shift+Enter starts a line", hint_ctrl: "Write a message. Ctrl+Enter sends", send: "Send", send_hold: "Hold", hold: "Cannot go out now: it is held until the visitor writes again", closed: "The window has closed. You can reply when the visitor writes again", ended: "The conversation is closed. The visitor's next message opens a new one", parts: "About {n} messages; uses {n} replies", size: "{n}/{max} bytes", too_long: "Too long: {max} bytes at most. Send it in several messages", not_yours: "{agent} has this conversation. To reply, ask for a transfer", claim: "Take the conversation to reply", claim_robot: "The robot has it. It stops when you take over", emoji: "Emoji", emoji_label: "Choose an emoji", card: "Card",
  },
  msg: {
    visitor: "Visitor", robot: "Robot", prompt: "Automatic", person: "Agent", you: "Me", integrator: "Program", admin: "Admin", supervisor: "Supervisor",
    pending: "To be sent", sending: "Sending…", sent: "Sent", held: "Held until the visitor writes", held_until: "Held until the visitor writes, {t} at the latest", released: "Sent after the visitor's next message", hold_expired: "The visitor did not write in time; not sent", unknown: "Not known whether it arrived. It is not sent again; ask the visitor", failed: "Not sent: {why}", cancelled: "Taken back; the visitor never saw it", recall: "WeChat cannot recall what was sent", take_back: "Take back", take_back_edit: "Take back and edit", edit: "Edit again", ai: "AI-generated",
    picture: "Picture from the visitor", picture_out: "Picture", raw: "Unsupported message ({type})", raw_show: "Show the source", card: "Mini program card", card_path: "Path", copy_path: "Copy the path", link: "Link", unfold: "Show all ({n} characters)", fold: "Show less", older: "Earlier messages", begin: "Start of the conversation", new: "{n} new", errcode: "WeChat error {n}", retry: "Send again", log: "Transcript", zone: "Times are shown in {zone}",
    unread_from: "Unread from here", ignored: { blocked: "The visitor is blocked: this was neither assigned nor answered", too_many: "Too many messages in a minute: this was not answered by itself" },
  },
  event: {
    handoff: "Handed over: {why}", robot: "The robot has it", assigned: "Assigned to {agent}", assigned_queue: "{agent} took it from the queue after {t}", assigned_claimed: "{agent} took it", assigned_transferred: "Transferred to {agent}", queued: "In the queue: {queue}, {n} before it", queued_first: "In the queue: {queue}, first", left: "Nobody could take it; the visitor was asked to leave a message", accepted: "{agent} accepted it", transferred: "{from} → {to}", transferred_why: "{from} → {to}: {why}", requeued: "{agent} was gone; back to the queue", overflowed: "Overflow: {why}", idle: "The visitor was told that it will be closed", closed: "Closed", not_said: "An automatic line was left out: no reply to spare", trail: "levels tried: {n}", level: "Level {n}", by_admin: "an admin", unknown_event: "{type}",
    trail_part: "{target} ({why})",
  },
  why: {
    off_work: "outside hours", offline: "nobody on duty", busy: "all busy", queue_full: "queue full", not_found: "no such id “{id}”", takeable: "free", agent_gone: "{agent} was gone; back to the queue", nobody_there: "nobody on duty", waited: "waited {t}, the longest allowed", transferred: "transferred", left_message: "wrote again after leaving a message", message: "the visitor wrote",
    queue_share: "the mini program's share of the queue is full",
  },
  verdict: { assigned: "assigned", queued: "queued", passed_on: "overflow", left_message: "left message", robot: "robot" },
  handoff: { keyword: "asked for a person", misses: "no answer too often", repeated: "same question again", robot: "by the robot", picked: "chose 0", failed: "robot did not answer", person: "a person wrote" },
  claim: { taken: "{agent} was faster.", taken_next: "{agent} was faster. Take the next?", done: "You have {name} now", take_next: "Next" },
  transfer: {
    title: "Transfer {name}", to_group: "To a group", to_agent: "To a colleague", search: "Search groups and colleagues", reason: "Reason (for colleagues; the visitor does not see it)", go: "Transfer", full: "{agent} is full ({n}/{max})", offline: "offline", absent: "not connected", free: "{n} free", online: "{n} on duty", none: "nobody on duty", wait: "All busy: place {n}; it does not come back to you for 5 minutes", load: "{load}/{capacity}", nobody: "There is no other group or colleague", pick: "Choose where it goes", done: "Transferred to {name}",
    waiting: "{n} waiting",
  },
  close: { title: "Close the conversation with {name}", note: "Summary", note_hint: "What was done, for you and your colleagues", solved: "Solved", unsolved: "Not solved", result: "Result", go: "Close", next: "Close and go on", held: "{n} held texts have not gone out. They are not sent after closing.", done: "Closed" },
  card: { title: "Send a mini program card", name: "Title", name_hint: "64 characters at most", path: "Page path", path_hint: "pages/item/item?id=8", cover: "Address of the cover", cover_hint: "https, 2 MB at most, shown 5:4", preview: "What the visitor sees", send: "Send the card", recent: "Sent lately", bad_path: "No leading slash and no blanks", bad_cover: "It begins with https://", needed: "Needed", costs: "Uses 1 reply", done: "Card sent", cover_choose: "Use a picture as the cover", cover_own: "The chosen picture", cover_drop: "Use an address" },
  side: {
    label: "Visitor's profile", nickname: "Nickname", openid: "openid", unionid: "unionid", partnerid: "partnerid", params: "Parameters", fields: "Custom fields", first: "First seen", last: "Last seen", app: "Mini program", person: "Same person in other mini programs", cid: "Conversation id", customer: "Merchant",
    profile: "Profile", history: "History", person_history: "See those conversations", ids: "Ids", copy: "Copy the {what}", width: "Width of the profile",
  },
  id: { verified: "Verified", claimed: "Claimed, not verified", bad: "Wrong signature: may be another person", stale: "Signature too old", },
  sync: { reconnecting: "Reconnecting…", stale: "Last synced {t}; will catch up", gone: "You may count as gone: nothing new comes, and in 3 minutes your conversations go back to the queue", now: "Try now", back: "Connected again" },
  notify: { message: "{name} wrote", assigned: "New conversation: {name}", queue: "{n} waiting", locked: "Click anywhere to let sounds play", },
  settings: {
    title: "Settings", language: "Language", theme: "Appearance", theme_system: "System", theme_light: "Light", theme_dark: "Dark", sound: "Sounds", sound_message: "New message", sound_new: "New conversation", sound_queue: "Visitors waiting", volume: "Volume", desktop: "Desktop notifications", desktop_ask: "Turn on notifications", desktop_on: "On", desktop_denied: "The browser refuses. Allow it in the browser's site settings.", keys: "Keys", keys_on: "Use Alt keys", enter_sends: "Enter sends", ctrl_sends: "Ctrl+Enter sends", dnd: "Do not disturb",
  },
  keys: {
    title: "Keys", send: "Send", newline: "New line", next: "Next conversation", previous: "Previous conversation", longest: "Who waits longest for me", lists: "Lists", transfer: "Transfer", close: "Close", close_next: "Close and go on", take: "Take the next", card: "Send a card", status: "My status", region: "Next region", escape: "Close, then back to the reply box", help: "Show the keys",
    search: "Search conversations",
    note: "Write a note", star: "Star or not", picture: "Send a picture", replies: "Quick replies (in an empty reply box)",
  },
  block: {
    title: "Block {name}", means: "The visitor can still write and you see it, but nothing is assigned or answered by itself. A conversation that you have stays with you.", how_long: "How long", day: "24 hours", week: "7 days", ever: "For ever", reason: "Reason (for colleagues; the visitor does not see it)", reason_hint: "Abuse, harassment, advertising …", needed: "Please give a reason", too_long: "The reason is too long: {max} bytes at most", go: "Block", done: "{name} is blocked", end: "Unblock", ended: "No longer blocked", until: "Blocked until {t}", for_ever: "Blocked for ever", badge: "Blocked",
  },
  link: {
    title: "Insert a link to a mini program", label: "Text of the link", label_hint: "See your order", path: "Page path", appid: "AppID of the mini program", appid_hint: "wx and 16 digits", href: "Address where mini programs cannot be opened (optional)", href_hint: "https://…", bad_appid: "An AppID is wx and 16 digits", size: "{n} bytes; it is part of the text and uses no reply of its own", go: "Insert", button: "Link",
  },
  filter: {
    text: "Search names, last messages", open: "Sort and filter", active: "Filter: {n} conditions", app: "Mini program", group: "Group", all: "All", unread: "Unread only", clear: "Clear the filter", none: "None of {n} conversations passes the filter",
    starred: "Starred only",
  },
  history: {
    show: "Show", this: "This one", open: "Open", closed: "Closed", no_summary: "No summary", none: "No conversations that you may read", more: "Earlier", title: "{name} · {t}", open_it: "Open in the desk",
  },
  marks: {
    name: "Name for the team", name_long: "The name is too long: {max} bytes at most", tags: "Tags", add: "Tag", add_hint: "Enter adds it", remove: "Remove the tag {tag}", tag_long: "The tag is too long: {max} bytes at most", tags_many: "{max} tags at most", star: "Star", unstar: "Remove the star", star_key: "Star (Alt+S)", starred: "Starred", unstarred: "No longer starred", starred_row: "starred",
  },
  notes: {
    title: "Notes", new: "Write a note", hint: "For colleagues; the visitor does not see it. Ctrl+Enter saves", who: "The visitor does not see it", add: "Save the note", too_long: "Too long: {max} bytes at most", none: "No notes yet.", deleted: "Note deleted", undo: "Put it back",
  },
  picture: {
    button: "Picture", title: "Send pictures", preview: "The picture to send", send: "Send", leave: "Leave it out", costs: "Uses {n} replies. What was sent cannot be recalled.", too_many: "{n} replies are left: the later ones cannot be sent", not_one: "It is no picture, or larger than {max} MB even when reduced", none: "The picture is gone", zoom: "Enlarge: {what}", smaller: "Smaller", larger: "Larger", turn: "Turn",
  },
  replies: {
    title: "Quick replies", button: "Replies", keys: "↑↓ choose, Enter fills in, Esc puts away", manage: "Manage", none: "No quick replies yet. Write the first one under “Manage”.", no_match: "No quick reply fits", scope_personal: "Mine", scope_group: "Group", scope_all: "Everybody", for: "For", title_of: "Title", content: "Text", content_hint: "{'{'}visitor{'}'} becomes the visitor's name, {'{'}agent{'}'} yours", shortcut: "Shortcut", shortcut_hint: "fh: type /fh", folder: "Folder", search: "Search quick replies", needed: "{field}: needed", too_long: "{field}: {max} bytes at most", sure: "It cannot be restored.", new: "New", edit_of: "Change {title}",
    unknown: "{'{'}{name}{'}'} is no variable. There are {'{'}visitor{'}'} and {'{'}agent{'}'}",
  },
  frame: {
    loading: "Opening {name}…", card_other_conversation: "The page tried to send a card to another conversation; refused", card_too_fast: "The page sends cards too fast; refused: one a second", card_not_yours: "You do not have this conversation; the page's card was not sent", card_invalid: "The page's card is not valid; it was not sent",
  },
  time: { seconds: "{n} s", minutes: "{n} min", hours: "{h} h {m} min", days: "{n} d" },
  problem: { network: "no connection", signed_out: "your session has ended", unknown: "the server refused ({code})" },
};

export default en;
