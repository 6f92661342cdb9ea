"""What turns features into grades: softmax, regression, CORAL, and prototypes of the grades' names.

Every head has raw outputs, which its loss takes, and `logits`: (N, K) whose softmax are the classes' probabilities, so
that temperatures, thresholds, sets and exports are the same for all.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from retinai.grading.names import HeadName

_LEAST = 1e-6


class SoftmaxHead(nn.Module):
    """(N, features) -> (N, K) logits of classes without an order."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, classes)

    def forward(self, features: Tensor) -> Tensor:
        return self.linear(features)

    def logits(self, outputs: Tensor) -> Tensor:
        return outputs


class RegressionHead(nn.Module):
    """(N, features) -> (N, 1), the grade as a number. A class is the likelier the nearer it is: a Gaussian of unit width."""

    levels: Tensor

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 1)
        self.register_buffer("levels", torch.arange(classes, dtype=torch.float32), persistent=False)
        nn.init.constant_(self.linear.bias, (classes - 1) / 2)

    def forward(self, features: Tensor) -> Tensor:
        return self.linear(features)

    def logits(self, outputs: Tensor) -> Tensor:
        return -0.5 * (outputs - self.levels) ** 2


class CoralHead(nn.Module):
    """(N, features) -> (N, K - 1) logits of "the grade is above k" (Cao, Mirjalili and Raschka, Pattern Recognition Letters 2020).

    The tasks share one direction and differ in their bias alone.
    """

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.direction = nn.Linear(features, 1, bias=False)
        self.bias = nn.Parameter(torch.arange(classes - 1, 0, -1, dtype=torch.float32) / (classes - 1))

    def forward(self, features: Tensor) -> Tensor:
        return self.direction(features) + self.bias

    def logits(self, outputs: Tensor) -> Tensor:
        return cumulative_to_log_probs(outputs)


class PrototypeHead(nn.Module):
    """CLIP's features -> a trained projection; a CORAL direction on it, and its cosine to each grade's projected text.

    texts: (K, features), the embeddings of the grades' descriptions. Outputs are (N, K - 1 + K): CORAL's, then the
    prototypes' logits. The classes' logits are the mean of both log-probabilities.
    """

    texts: Tensor

    def __init__(self, features: int, classes: int, projected: int = 256, texts: Tensor | None = None) -> None:
        super().__init__()
        self.projection = nn.Sequential(nn.Linear(features, features), nn.GELU(), nn.Linear(features, projected))
        self.coral = CoralHead(projected, classes)
        self.scale = nn.Parameter(torch.tensor(2.3))  # exp(2.3) = 10
        self.register_buffer("texts", torch.zeros(classes, features) if texts is None else texts.clone())

    def embed(self, features: Tensor) -> Tensor:
        """(N, features) -> (N, projected) of unit length, the space of the nearest neighbours."""
        return F.normalize(self.projection(features), dim=1)

    def forward(self, features: Tensor) -> Tensor:
        embedded = self.embed(features)
        cosines = embedded @ self.embed(self.texts).T
        return torch.cat([self.coral(embedded), self.scale.exp() * cosines], 1)

    def logits(self, outputs: Tensor) -> Tensor:
        tasks = len(self.texts) - 1
        return 0.5 * (cumulative_to_log_probs(outputs[:, :tasks]) + outputs[:, tasks:].log_softmax(1))


def cumulative_to_log_probs(outputs: Tensor) -> Tensor:
    """(N, K - 1) logits of "above k" -> (N, K) log-probabilities.

    "Above k + 1" cannot be likelier than "above k"; where the tasks say so, the lower of the two is taken.
    """
    columns = list(outputs.sigmoid().unbind(1))
    for k in range(1, len(columns)):  # torch.cummin has no counterpart in ONNX
        columns[k] = torch.minimum(columns[k - 1], columns[k])
    above = torch.stack(columns, 1)
    ones, zeros = torch.ones_like(above[:, :1]), torch.zeros_like(above[:, :1])
    probs = torch.cat([ones, above], 1) - torch.cat([above, zeros], 1)
    probs = probs.clamp_min(_LEAST)
    return (probs / probs.sum(1, keepdim=True)).log()


HEADS: dict[str, type[nn.Module]] = {"softmax": SoftmaxHead, "regression": RegressionHead, "coral": CoralHead, "prototypes": PrototypeHead}


def build_head(name: HeadName, features: int, classes: int, projected: int = 256, texts: Tensor | None = None) -> nn.Module:
    """A fresh head. projected, texts: of the prototypes alone."""
    if name == "prototypes":
        return PrototypeHead(features, classes, projected, texts)
    return HEADS[name](features, classes)
