"""Which photographs were taken together: sessions, told by what the camera and the light leave in a photograph.

Where a data set names no patients, fellow eyes and repeats of one patient lie on both sides of a split by chance, and what a session's
camera looks like goes with its grades. Marks come and go with time, colour and exposure with the patient and the setting: photographs that
agree in all of them are kept on one side, and so are those that show the same eye (SIFT, Lowe 2004; checked by RANSAC).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import AgglomerativeClustering
from sklearn.decomposition import PCA
from sklearn.model_selection import StratifiedGroupKFold

from retinai.camera.light import high_pass
from retinai.camera.profile import CameraProfile
from retinai.camera.templates import amplitudes
from retinai.types import FundusImage

SIZE = 7.5
"""Photographs in a session, on average: about two patients with both eyes, and a repeat."""
_BEST_MARKS = 60  # those whose amplitude is best known in one photograph
_COMPONENTS = 6  # of the marks; the first is the dust as a whole, the others tell dusty times from each other
_SIFT_WIDTH = 720  # px
_FEATURES = 350
_INLIERS = 20  # of a similarity: on IDRiD pairs of one eye have 40 or more, all others fewer than 8


def camera_features(image: FundusImage, profile: CameraProfile) -> NDArray[np.float64]:
    """(M + 3,) the amplitude of each of the profile's marks, and the logarithm of the mean red, green and blue."""
    green, _ = high_pass(image, profile.pattern.shape[:2], (1,))
    small = cv2.resize(image.pixels, (480, 320), interpolation=cv2.INTER_AREA)
    inside = cv2.resize(image.field.view(np.uint8), (480, 320), interpolation=cv2.INTER_NEAREST) > 0
    return np.concatenate([amplitudes(green[..., 0], profile.templates), np.log(small[inside].mean(axis=0) + 1)])


def sessions(features: NDArray[np.float64], profile: CameraProfile, same: Sequence[tuple[int, int]] = ()) -> NDArray[np.int64]:
    """(N,) the session of each photograph, by Ward's clustering of (N, M + 3) `camera_features`; pairs in `same` share one."""
    noise = np.array([np.hypot(mark.noise, mark.spread) for mark in profile.marks])
    best = np.argsort(noise)[:_BEST_MARKS]
    marks = PCA(_COMPONENTS, random_state=0).fit_transform(np.clip(features[:, best], -1, 3) / noise[best])
    colour = features[:, len(noise) :]
    joined = np.c_[2 * marks / marks[:, 0].std(), (colour - colour.mean(axis=0)) / colour.std(axis=0)]
    found = AgglomerativeClustering(n_clusters=max(2, round(len(features) / SIZE))).fit_predict(joined)
    return _united(found, same)


def _united(found: NDArray[np.int64], same: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """Sessions that share an eye are one."""
    first, second = (found[[pair[end] for pair in same]] if same else np.zeros(0, int) for end in (0, 1))
    size = int(found.max()) + 1
    graph = coo_matrix((np.ones(len(first)), (first, second)), shape=(size, size))
    return connected_components(graph, directed=False)[1][found].astype(np.int64)


def fold(strata: Sequence[str], groups: NDArray[np.int64], count: int, seed: int = 0) -> NDArray[np.int64]:
    """(N,) the fold of each photograph, 0 to count - 1: groups whole, strata as even as can be (scikit-learn)."""
    folds = np.zeros(len(groups), np.int64)
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    for number, (_, chosen) in enumerate(splitter.split(np.zeros(len(groups)), strata, groups)):
        folds[chosen] = number
    return folds


def keypoints(image: FundusImage) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(N, 2) places and (N, 128) RootSIFT descriptors of vessels. Take the camera's marks out first: they are the same in every eye."""
    height = round(_SIFT_WIDTH * image.field.shape[0] / image.field.shape[1])
    green = cv2.resize(np.ascontiguousarray(image.pixels[..., 1]), (_SIFT_WIDTH, height), interpolation=cv2.INTER_AREA)
    field = cv2.resize(image.field.view(np.uint8), (_SIFT_WIDTH, height), interpolation=cv2.INTER_NEAREST)
    inside = cv2.erode(field, np.ones((31, 31), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=(0.0,))
    contrast = cv2.createCLAHE(4, (8, 8)).apply(green)
    points, descriptors = cv2.SIFT.create(_FEATURES, contrastThreshold=0.02).detectAndCompute(contrast, inside)
    if descriptors is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    rooted = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6))
    return np.array([point.pt for point in points], np.float32), rooted.astype(np.float32)


def same_eyes(photographs: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]) -> list[tuple[int, int]]:
    """Pairs of photographs (by their `keypoints`) that a similarity of about the same scale lays on each other."""
    pairs = combinations(range(len(photographs)), 2)
    return [(i, j) for i, j in pairs if inliers(photographs[i], photographs[j]) >= _INLIERS]


def inliers(first: tuple[NDArray[np.float32], NDArray[np.float32]], second: tuple[NDArray[np.float32], NDArray[np.float32]]) -> int:
    """How many keypoints agree in one similarity; 0 where none of about the same scale is found."""
    if min(len(first[0]), len(second[0])) < _INLIERS:
        return 0
    likeness = first[1] @ second[1].T
    near = -np.partition(-likeness, 1, axis=1)[:, :2]
    distance = np.sqrt(np.maximum(0, 2 - 2 * near))
    good = np.flatnonzero(distance[:, 0] < 0.8 * distance[:, 1])
    if len(good) < _INLIERS:
        return 0
    matrix, chosen = cv2.estimateAffinePartial2D(first[0][good], second[0][likeness.argmax(axis=1)[good]], ransacReprojThreshold=4)
    scale = 0.0 if matrix is None else float(np.hypot(matrix[0, 0], matrix[1, 0]))
    return int(chosen.sum()) if 0.85 < scale < 1.18 else 0
