"""LLaVA on fundus photographs: chat data, training, answers, and where it looked. Knows language, knows no mask files."""

from retinai.backend import prepare_torch

prepare_torch()
