#include "cli/chat_text.h"

#include <cstdlib>
#include <string>

namespace parley::cli {
namespace {

constexpr ChatText kEnglish = {
    .banner = "parley {} · {} · {:.1f} M parameters · context of {} tokens",
    .hint = "/help lists the commands. Ctrl-C stops an answer, Ctrl-D ends the chat.",
    .plain_notice = "This model was not taught to chat: it continues a text of User and Assistant.",
    .help = R"(Commands:
  /help                 this list
  /system [TEXT]        show or set what the model is told before the conversation
  /system clear         tell it nothing
  /reset                forget the conversation (the system prompt stays)
  /regenerate           another answer to the last message
  /undo                 take back the last message and its answer
  /save FILE            write the conversation as JSON, ready for fine-tuning
  /load FILE            go on with a saved one
  /temperature X        0: always the likeliest word; higher: more variety
  /top-p X, /top-k N    choose among fewer words
  /max-tokens N         the longest answer
  /info                 the conversation's length and the settings
  /exit                 end (also /quit, Ctrl-D)
Several lines: end a line with \, or press Alt-Enter, or paste them, or open a
block with ``` and close it with ```. A space first sends a message that begins with /.)",
    .unknown = "There is no command {}; /help lists them.",
    .needs_value = "{} needs a value; see /help.",
    .bad_number = "\"{}\" is not a number that fits here; see /help.",
    .system_is = "System prompt: {}",
    .no_system = "There is no system prompt.",
    .system_set = "System prompt set; it holds from the next message on.",
    .was_reset = "Forgotten. A new conversation begins.",
    .undone = "Taken back.",
    .nothing_to_undo = "There is nothing to take back.",
    .saved = "{} messages saved to {}",
    .loaded = "{} messages loaded from {}",
    .setting = "{} = {}",
    .info =
        "{} messages · {} of {} tokens in the context · temperature {} · top-p {} · top-k {} · "
        "at most {} tokens an answer",
    .stopped = "(stopped)",
    .length = "(cut off at the longest answer or the end of the context; see /max-tokens)",
    .dropped = "(the context is full: the {} oldest messages are no longer seen)",
    .speed = "{} tokens in {:.2f} s, {:.1f} tokens/s; {} of {} prompt tokens were new",
    .goodbye = "Goodbye.",
};

constexpr ChatText kChinese = {
    .banner = "parley {} · {} · {:.1f} M 参数 · 上下文 {} 个 token",
    .hint = "输入 /help 查看命令。Ctrl-C 停止回答，Ctrl-D 结束聊天。",
    .plain_notice = "这个模型没有学过对话：它只会续写一段 User 与 Assistant 的文字。",
    .help = R"(命令：
  /help                 显示这份列表
  /system [文字]        查看或设置对话开始前给模型的说明
  /system clear         清除说明
  /reset                忘掉这次对话（保留系统说明）
  /regenerate           重新回答上一条消息
  /undo                 撤回上一条消息和它的回答
  /save 文件            把对话存为 JSON，可直接用于微调
  /load 文件            继续保存过的对话
  /temperature X        0：总选最可能的词；越大越多样
  /top-p X, /top-k N    只在更少的词中选择
  /max-tokens N         回答的最大长度
  /info                 对话的长度和各项设置
  /exit                 结束（也可用 /quit、Ctrl-D）
多行输入：行末加 \，或按 Alt-Enter，或直接粘贴，或用 ``` 开始、再用 ``` 结束一个代码块。
要发送以 / 开头的消息，请先输入一个空格。)",
    .unknown = "没有 {} 这个命令；输入 /help 查看命令。",
    .needs_value = "{} 需要一个值；见 /help。",
    .bad_number = "“{}”不是这里可用的数字；见 /help。",
    .system_is = "系统说明：{}",
    .no_system = "没有系统说明。",
    .system_set = "系统说明已设置，从下一条消息起生效。",
    .was_reset = "已忘记。新的对话开始了。",
    .undone = "已撤回。",
    .nothing_to_undo = "没有可以撤回的消息。",
    .saved = "已把 {} 条消息保存到 {}",
    .loaded = "已从 {1} 读入 {0} 条消息",
    .setting = "{} = {}",
    .info =
        "{} 条消息 · 上下文已用 {} / {} 个 token · temperature {} · top-p {} · top-k {} · "
        "每个回答最多 {} 个 token",
    .stopped = "（已停止）",
    .length = "（回答到了长度上限或上下文的尽头；见 /max-tokens）",
    .dropped = "（上下文已满：最早的 {} 条消息不再可见）",
    .speed = "{0} 个 token，{1:.2f} 秒，每秒 {2:.1f} 个；提示共 {4} 个 token，其中 {3} 个是新的",
    .goodbye = "再见。",
};

}  // namespace

const ChatText& chat_text(std::string_view language) {
  std::string chosen(language);
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(name);
    if (chosen.empty() && value) chosen = value;
  }
  return chosen.starts_with("zh") ? kChinese : kEnglish;
}

}  // namespace parley::cli
