"""Texts that tokenizers get wrong, for the oracle scripts: the same for the same random.Random."""

WRITTEN = [
    "",
    "a",
    " ",
    "Hello, world!",
    "The quick brown fox jumps over the lazy dog. It's 3.14159, isn't it? I'LL say: WE'RE done.",
    "don't DON'T we'Ve they'RE he'd I'm 's '\u017f ''s o'clock rock'n'roll",
    "你好,世界!今天天气怎么样?我们去公园散步吧。",
    "天地玄黃,宇宙洪荒。日月盈昃,辰宿列張。",
    "混合 English 和中文 mixed123文字456。",
    "こんにちは、世界。カタカナとひらがな。안녕하세요 세계",
    "Привет, мир! Ελληνικά. שלום עולם. مرحبا بالعالم. हिन्दी में १२३",
    "😀😃👨‍👩‍👧‍👦🏳️‍🌈 👍🏽 flags 🇨🇳🇺🇸",
    "def f(x):\n    return x ** 2 + 1  # comment\n\n\nclass A:\n\tpass\n",
    "for (int i = 0; i < n; ++i) { a[i] += b[i] * 0x1F; }\r\n// done\r\n",
    "https://example.org/path?q=1&r=%20#frag user@example.org /usr/local/bin/",
    "camelCaseWord XMLHttpRequest iPhone HTMLParser ABCdef ABC日本語Def",
    "1 12 123 1234 12345 1,234,567.89 ½ Ⅷ ²³ ٣٤٥",
    "e\u0301 a\u0308 \u0301x \u200d \u00ad n\u0303o",
    "   leading, trailing   ",
    "tabs\t\tand\n\n\nlines\r\n\r\n  mixed \n \n\t x",
    "\u00a0\u2003\u3000\u2028\u0085 odd spaces\u1680\u180e.",
    "----====____****....!!!!????",
    "<|endoftext|> <|im_start|>user\nhi<|im_end|>",
    "a" * 300,
    "ab" * 150,
    " " * 100 + "x",
    "中" * 120,
    "\x00\x01\x7f",
]

SOUP = (
    [" ", "  ", "\n", "\r", "\r\n", "\t", "\u00a0", "\u3000", "\u180e", "\u2028", "\u0085", "\x0b"]
    + ["a", "A", "é", "É", "中", "文", "'", "'s", "'S", "'ſ", "'ll", "'RE", "1", "२", "½", "12345"]
    + ["\u0301", "ǅ", "ʰ", "א", ".", "!!!", "?", "/", "//", "😀", "\u200d", "hello", "World", "HTML"]
    + ["iOS", "日本", "ß", "İ", "\0", "-", "_", "    ", "(", "\ufeff", "\U0001f1e8", "ﬁ", "Ω"]
)


def soup(random, longest=40):
    return "".join(random.choice(SOUP) for _ in range(random.randint(1, longest)))


def any_characters(random, longest=30):
    def one():
        low, high = random.choice([(0, 0x7F), (0, 0x2FFF), (0x4E00, 0x9FFF), (0, 0x1FFFF)])
        c = random.randint(low, high)
        return "" if 0xD800 <= c < 0xE000 else chr(c)

    return "".join(one() for _ in range(random.randint(1, longest)))


def texts(random, count=60):
    return WRITTEN + [soup(random) for _ in range(count)] + [any_characters(random) for _ in range(count)]


def broken_utf8(random, count=40):
    """Bytes that are not UTF-8."""
    result = [b"\xff", b"abc\xff", b"\xff abc", b"hello world\xe4\xb8", b"a \n \xff", b"\xed\xa0\x80"]
    for _ in range(count):
        text = bytearray(soup(random).encode())
        for _ in range(random.randint(1, 3)):
            text.insert(random.randint(0, len(text)), random.randint(0x80, 0xFF))
        result.append(bytes(text))
        result.append(random.randbytes(random.randint(1, 24)))
    return result
