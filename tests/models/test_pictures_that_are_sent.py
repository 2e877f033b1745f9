"""Pictures that leave for an endpoint, as another library reads them there: red stays red, and left stays left."""

import base64
import io
import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import BaseModel

from actor18m.arrays import Frame
from actor18m.media.encoded import encoded
from actor18m.models.asked_roles import Question
from actor18m.models.backends import load
from actor18m.models.openai_chat import OpenAIChatParameters
from actor18m.models.roles import Edit


class Form(BaseModel):
    says: str


@pytest.fixture
def picture() -> Frame:
    """Red on the left, blue on the right, and broader than high."""
    made = np.zeros((64, 96, 3), np.uint8)
    made[:, :48, 0] = made[:, 48:, 2] = 250
    return made


def _is_it(sent: bytes) -> bool:
    seen = np.asarray(Image.open(io.BytesIO(sent)).convert("RGB")).astype(int)
    height, width = seen.shape[:2]
    (red, _, _), (_, _, blue) = seen[height // 2, width // 4], seen[height // 2, 3 * width // 4]
    return bool(width > height and red > 200 > seen[height // 2, width // 4, 2] and blue > 200)


@pytest.mark.parametrize("told", [{}, {"as_jpeg": True}, {"image_px": 48}, {"as_jpeg": True, "image_px": 48}])
def test_what_a_chat_is_shown(told: Mapping[str, Any], picture: Frame) -> None:
    chat = load("openai-chat", OpenAIChatParameters(url="http://localhost:1/v1", model="m", **told))
    kept = encoded(".webp", picture, [])
    body = json.loads(chat.write(Question("Look.", (picture, kept), Form)).body)
    sent = re.findall(r"base64,([\w+/=]+)", json.dumps(body))
    assert len(sent) == 2
    assert all(_is_it(base64.b64decode(each)) for each in sent)


def test_what_an_image_model_is_shown(picture: Frame, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("google.genai")
    monkeypatch.setenv("GEMINI_API_KEY", "no-key-that-anybody-takes")
    backend = load("gemini-image")
    body = backend.write(Edit([picture, picture], "Move.", 7, 64, 96)).body
    sent = [part["inlineData"]["data"] for part in body["contents"][0]["parts"] if "inlineData" in part]
    assert len(sent) == 2
    assert all(_is_it(base64.urlsafe_b64decode(each)) for each in sent)
