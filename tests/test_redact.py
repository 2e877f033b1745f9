from pathlib import Path

import pytest

from actor18m.redact import redact


@pytest.mark.parametrize(
    "name", ["AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "DbPassword", "MY_PASSWD", "STORE_CREDENTIALS", "openai_api_key"]
)
def test_what_a_secret_variable_holds_is_hidden(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "s3cr/t va+ue's")
    assert redact("denied for s3cr/t va+ue's (403)") == "denied for *** (403)"
    assert redact("GET /?k=s3cr%2Ft%20va%2Bue%27s&n=1") == "GET /?k=***&n=1"
    assert redact(repr("a\n s3cr/t va+ue's b")) == '"a\\n *** b"'


def test_the_longer_of_two_secrets_is_hidden_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "abcdefgh")
    monkeypatch.setenv("B_KEY", "abcdefgh-ijkl")
    assert redact("abcdefgh-ijkl abcdefgh") == "*** ***"


def test_a_short_one_is_hidden_where_it_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "clip")
    assert redact("clip of the clips: user=clip") == "*** of the clips: user=***"


def test_what_is_no_secret_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    monkeypatch.setenv("USE_KEY", "1")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path))
    monkeypatch.setenv("HOME_FOLDER", "visible-value")
    text = f"1 false {tmp_path}/a.mp4 visible-value"
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://ann:pa:ss@host/a.mp4", "https://***@host/a.mp4"),
        ("https://ann:p@ss@host/a.mp4", "https://***@host/a.mp4"),
        ("s3+x://ann:pass@host", "s3+x://***@host"),
        ("https://ghp_0123456789@github.example/x", "https://***@github.example/x"),
        ("(ftp://:pass@host)", "(ftp://***@host)"),
        ("s3://bucket/a@b:c.mp4", None),
        ("s3://bucket@region/key", None),
        ("https://host:8080/a@b", None),
        ("at 12:30 to ann@host", None),
    ],
)
def test_users_and_passwords_in_urls_are_hidden(text: str, shown: str | None) -> None:
    assert redact(text) == (shown or text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "https://b.s3.example/a.mp4?X-Amz-Algorithm=A&X-Amz-Credential=AKIA%2F1&X-Amz-Signature=9f8e: 403",
            "https://b.s3.example/a.mp4?***: 403",
        ),
        ("gs: /b/a.mp4?x=1&X-Goog-Signature=9f8e, again", "gs: /b/a.mp4?***, again"),
        ("<https://h/a?Expires=1&Signature=a+b/c=&Key-Pair-Id=K>", "<https://h/a?***>"),
        ("'https://h/a?sv=2024&sig=9f%2B'", "'https://h/a?***'"),
        ("https://h/a?token=t0k", "https://h/a?***"),
        ("https://h/a?key=AIza", "https://h/a?***"),
        ("param X-Amz-Signature=9f8e and token=t0k.", "param X-Amz-Signature=*** and token=***"),
        ("Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30", "Authorization: Bearer ***"),
        ("said Bearer secret77", "said Bearer ***"),
        ("https://h/a?max_tokens=5&page=2", None),
        ("min_token=5, key=3f2a91c0d4e5f6a7b8c9, design=1", None),
        ("is 2 < 3? the token is here", None),
    ],
)
def test_signatures_are_hidden(text: str, shown: str | None) -> None:
    assert redact(text) == (shown or text)
