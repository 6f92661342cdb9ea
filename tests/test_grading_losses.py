"""Heads and losses by values computed by hand, and their orderings."""

from __future__ import annotations

import math

import pytest
import torch

from retinai.grading.heads import CoralHead, PrototypeHead, RegressionHead, build_head, cumulative_to_log_probs
from retinai.grading.losses import LOSSES, class_weights, coral, cross_entropy, focal, prototypes, regression
from retinai.grading.names import FITTING


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_coral_sums_four_tasks():
    outputs = torch.tensor([[logit(0.9), logit(0.8), logit(0.3), logit(0.1)]])
    by_hand = -(math.log(0.9) + math.log(0.8) + math.log(0.7) + math.log(0.9))  # grade 2: above 0 and 1, not above 2 and 3
    assert coral(outputs, torch.tensor([2])).item() == pytest.approx(by_hand, abs=1e-6)
    losses = [coral(outputs, torch.tensor([level])).item() for level in range(5)]
    assert losses[2] < losses[1] < losses[0] and losses[2] < losses[3] < losses[4]


def test_focal_counts_sure_answers_less():
    outputs = torch.tensor([[math.log(0.8), math.log(0.2)]])
    truth = torch.tensor([0])
    assert focal(outputs, truth).item() == pytest.approx(-(0.2**2) * math.log(0.8), abs=1e-6)
    assert focal(outputs, truth, gamma=0.0).item() == pytest.approx(cross_entropy(outputs, truth).item(), abs=1e-6)


def test_regression_is_squared_near_and_linear_far():
    assert regression(torch.tensor([[2.5]]), torch.tensor([2])).item() == pytest.approx(0.125)
    assert regression(torch.tensor([[4.0]]), torch.tensor([1])).item() == pytest.approx(2.5)


def test_class_weights_even_out_frequencies():
    weights = class_weights([0, 0, 0, 1], 3)
    assert weights.tolist() == pytest.approx([4 / 6, 2.0, 1.0])
    levels = torch.tensor([0, 0, 0, 1])
    outputs = torch.tensor([[2.0, 0.0]] * 4)
    even = (cross_entropy(outputs[:1], torch.tensor([0])) + cross_entropy(outputs[:1], torch.tensor([1]))) / 2
    for name in ("cross_entropy", "focal"):
        assert LOSSES[name](outputs, levels, weights[:2]) > LOSSES[name](outputs, levels, None)
    assert cross_entropy(outputs, levels, weights[:2]).item() == pytest.approx(even.item(), abs=1e-6)


def test_cumulative_tasks_become_probabilities():
    outputs = torch.tensor([[logit(0.9), logit(0.6), logit(0.3), logit(0.1)]])
    assert cumulative_to_log_probs(outputs).exp()[0].tolist() == pytest.approx([0.1, 0.3, 0.3, 0.2, 0.1], abs=1e-5)
    crossed = cumulative_to_log_probs(torch.tensor([[logit(0.5), logit(0.9), 0.0, 0.0]])).exp()[0]
    assert crossed.tolist() == pytest.approx([0.5, 0.0, 0.0, 0.0, 0.5], abs=1e-5)


def test_a_regression_is_likeliest_at_its_own_grade():
    head = RegressionHead(3, 5)
    assert head.logits(torch.tensor([[2.9]])).argmax().item() == 3
    assert head.logits(torch.tensor([[-7.0]])).softmax(1)[0, 0].item() > 0.99
    assert head(torch.zeros(1, 3)).item() == 2.0  # a fresh head starts in the middle


def test_prototypes_pull_features_to_their_text():
    torch.manual_seed(0)
    texts = torch.randn(5, 8)
    head = PrototypeHead(8, 5, 4, texts)
    outputs = head(texts)
    assert outputs.shape == (5, 9)
    assert outputs[:, 4:].argmax(1).tolist() == [0, 1, 2, 3, 4]  # a text is its own nearest one
    assert head.embed(texts).norm(dim=1).tolist() == pytest.approx([1.0] * 5)
    right, wrong = torch.arange(5), torch.arange(5).roll(1)
    assert cross_entropy(outputs[:, 4:], right) < cross_entropy(outputs[:, 4:], wrong)
    assert prototypes(outputs, right).item() == pytest.approx((coral(outputs[:, :4], right) + cross_entropy(outputs[:, 4:], right)).item())


@pytest.mark.parametrize("name", list(FITTING))
def test_every_head_learns_with_each_of_its_losses(name):
    for loss in FITTING[name]:
        torch.manual_seed(0)
        features, levels = torch.randn(40, 6), torch.arange(40) % 5
        features[:, 0] = levels.float() - 2
        head = build_head(name, 6, 5, 8, torch.randn(5, 6))
        optimizer = torch.optim.Adam(head.parameters(), 0.05)
        first = LOSSES[loss](head(features), levels, None).item()
        for _ in range(150):
            optimizer.zero_grad()
            LOSSES[loss](head(features), levels, None).backward()
            optimizer.step()
        assert LOSSES[loss](head(features), levels, None).item() < 0.7 * first
        logits = head.logits(head(features))  # type: ignore[operator]
        assert logits.softmax(1).sum(1).tolist() == pytest.approx([1.0] * 40, abs=1e-5)
        assert (logits.argmax(1) == levels).float().mean() > 0.8


def test_coral_starts_with_ordered_tasks():
    assert CoralHead(4, 5).bias.diff().max().item() < 0
