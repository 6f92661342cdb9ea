"""The lesion U-Net: data, model, training, prediction, evaluation. Knows torch, knows nothing of language."""

from retinai.backend import prepare_torch

prepare_torch()
