# kill -9 in the middle of twenty streaming chats. After the restart every finished message is there, and of each
# unfinished one all but at most its last second, marked as interrupted; and it goes on from there.
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
context=16384
. "$PARLEY_SOURCE_DIR/tests/tiny_chat.bash"

server=
trap 'kill -9 $server 2>/dev/null || true' EXIT
serve() {
  rm -f port
  "$PARLEY" serve --model tiny=sft/model --max-sequences 24 --users on --database "$PWD/chat.db" --port 0 --port-file port \
    --access-log off 2>serve.log & server=$!
  until [ -s port ]; do kill -0 "$server"; sleep 0.05; done
}
cat >client.py <<'PY'
import http.client, json, os, signal, sys, threading, time

CHATS = 20
port = int(open("port").read())


class Person(dict):
    """The headers of somebody's session."""


def call(person, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    data = None if body is None else json.dumps(body)
    connection.request(method, "/app/api" + path, data, {**person, "Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status < 300, (method, path, answer.status, text)
    if (cookie := answer.getheader("Set-Cookie")):
        person["Cookie"] = cookie.split(";")[0]
    result = json.loads(text)
    if "csrf" in result:
        person["X-CSRF-Token"] = result["csrf"]
    return result


def utf16(text):
    return len(text.encode("utf-16-le")) // 2


# What a stream said and when: [(time, text so far)]; and the message of its end, if it had one.
def follow(person, message, pieces):
    text = ""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        connection.request("GET", f"/app/api/messages/{message}/stream", headers=person)
        for line in connection.getresponse():
            if not line.startswith(b"data:"):
                continue
            event = json.loads(line[5:])
            if event["type"] == "done":
                return event["message"]
            if event["type"] == "delta":
                assert event["offset"] == utf16(text), (event["offset"], utf16(text))
                text += event["text"]
                pieces.append((time.monotonic(), text))
    except (http.client.HTTPException, ConnectionError):
        pass  # the server is gone
    return None


def ask(person, chat, parent, content):
    return call(person, "POST", f"/conversations/{chat}/messages",
                {"parent": parent, "content": content, "documents": [], "answers": 1})


# A user may have sixteen answers at a time: there are two of them.
people = [Person(), Person()]
for person in people:
    call(person, "GET", "/session")
code = ""
for number, person in enumerate(people):
    word = {"name": f"user{number}", "password": "correct horse battery"}
    if sys.argv[1] != "fill":
        call(person, "POST", "/login", word)
    elif number == 0:
        call(person, "POST", "/signup", word)
        code = call(person, "POST", "/invitations", {})["code"]
    else:
        call(person, "POST", "/signup", {**word, "invitation": code})

if sys.argv[1] == "fill":
    chats = []
    for number in range(CHATS):
        person = people[number % 2]
        chat = call(person, "POST", "/conversations", {"title": f"Chat {number} 对话", "params": {"max_tokens": 8}})["id"]
        made = ask(person, chat, None, f"first question {number}")
        done = follow(person, made["answers"][0]["id"], [])
        assert done["status"] == "done", done
        call(person, "PATCH", f"/conversations/{chat}", {"params": {"max_tokens": 15000}})
        chats.append({"id": chat, "finished": [made["user"], done]})
    for number, chat in enumerate(chats):
        person = people[number % 2]
        made = ask(person, chat["id"], chat["finished"][1]["id"], f"second question {number}")
        chat["question"], chat["unfinished"], chat["pieces"] = made["user"], made["answers"][0]["id"], []
        chat["thread"] = threading.Thread(target=follow, args=(person, chat["unfinished"], chat["pieces"]))
        chat["thread"].start()
    began = time.monotonic()
    while not all(chat["pieces"] and time.monotonic() - chat["pieces"][0][0] > 2.5 for chat in chats):
        assert time.monotonic() - began < 120, "the answers do not come"
        time.sleep(0.05)
    killed = time.monotonic()
    os.kill(int(sys.argv[2]), signal.SIGKILL)
    for chat in chats:
        chat.pop("thread").join()
        chat["pieces"] = [(killed - at, text) for at, text in chat["pieces"]]
    json.dump(chats, open("chats.json", "w"))
else:
    lost, unfinished = 0.0, []
    for number, chat in enumerate(json.load(open("chats.json"))):
        person = people[number % 2]
        messages = {message["id"]: message for message in call(person, "GET", f"/conversations/{chat['id']}")["messages"]}
        assert len(messages) == 4, len(messages)
        for before in [*chat["finished"], chat["question"]]:
            now = messages[before["id"]]
            assert all(now[key] == before[key] for key in ("content", "parent", "role", "status", "created")), (now, before)
        answer = messages[chat["unfinished"]]
        if answer["status"] == "done":  # this model seldom ends by itself, but it may
            continue
        assert answer["status"] == "interrupted", answer["status"]
        said = chat["pieces"][-1][1].replace("\0", "\ufffd")  # as the store keeps it
        kept = answer["content"]
        same = len(os.path.commonprefix([said, kept]))
        assert same == min(len(said), len(kept)), (same, len(said), len(kept), said[same - 20 : same + 20], kept[same - 20 : same + 20])
        # How long before the end came what is not kept.
        lost = max([lost, *(at for at, text in chat["pieces"] if len(text) > len(kept))])
        unfinished.append((person, answer["id"], kept))
    cut = len(unfinished)
    print(f"{cut} answers were cut; at most {lost:.2f} s of one are lost")
    assert cut > CHATS / 2, cut
    assert lost < 1, lost

    # Any of them goes on where it was cut, until it is stopped; or ends by itself, as this model may.
    def goes_on(person, answer, kept):
        call(person, "POST", f"/messages/{answer}/continue")
        pieces = []
        follower = threading.Thread(target=follow, args=(person, answer, pieces))
        follower.start()
        began = time.monotonic()
        while follower.is_alive() and (not pieces or len(pieces[-1][1]) <= len(kept) + 20):
            assert time.monotonic() - began < 60, "the answer does not go on"
            time.sleep(0.02)
        ended = call(person, "POST", f"/messages/{answer}/stop")
        follower.join()
        assert ended["content"].startswith(kept), ended
        return ended["status"]

    for one in unfinished:
        status = goes_on(*one)
        if status == "stopped":
            break
        assert status == "done", status
    else:
        raise AssertionError("none of the answers could be stopped")
PY
serve
python3 client.py fill "$server"
wait "$server" || true
serve
python3 client.py check
kill "$server"
wait "$server"
