"""What is asked, and the format of a conversation."""

from __future__ import annotations

from collections.abc import Sequence

TEMPLATE = "USER: <image>\n{prompt} ASSISTANT:"
"""LLaVA-1.5's own conversation (Liu et al., CVPR 2024); the answer follows after a space, then the end token."""

CHAT_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'user' %}USER: {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>\n{% else %}{{ part['text'] }}{% endif %}{% endfor %} "
    "{% else %}ASSISTANT: {{ message['content'][0]['text'] }}</s>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
"""The same for programs that use a model folder's own template."""

PROMPTS: tuple[str, ...] = (
    "Grade the diabetic retinopathy in this fundus photograph from 0 to 4, then describe the lesions.",
    "What is the ICDR grade of this fundus photograph, 0 to 4? Give the grade first, then what you see.",
    "Here is a photograph of a retina. Grade the diabetic retinopathy from 0 to 4 and explain the grade.",
    "State the diabetic retinopathy grade, 0 to 4, and the findings that support it.",
)
"""For photographs whose lesions are known. The first is the one that is asked by default."""

GRADE_PROMPTS: tuple[str, ...] = (
    "Grade the diabetic retinopathy in this fundus photograph from 0 to 4. Answer with the grade only.",
    "What is the ICDR grade of this fundus photograph, 0 to 4? Give nothing but the grade.",
)
"""For photographs of which only a grade is known, so that a short answer is an answer to what was asked."""


def grounded(prompt: str, evidence: Sequence[str]) -> str:
    """The prompt with what a lesion detector found, one numbered line each: '[E4] 2 haemorrhages were found [HE-1, HE-2].'

    Without evidence the prompt as it is.
    """
    if not evidence:
        return prompt
    return "\n".join(
        [prompt, "A lesion detector found the following. After each sentence cite what it rests on, such as [E1] or [HE-1].", *evidence]
    )


def user_turn(prompt: str, image_tokens: int) -> str:
    """The conversation up to the answer, with `image_tokens` places for the picture; none for a model without eyes."""
    picture = "<image>" * image_tokens
    return TEMPLATE.replace("<image>\n", picture + "\n" if picture else "").format(prompt=prompt)
