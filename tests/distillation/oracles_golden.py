"""Our losses on the golden inputs, and the values that they must have: see `golden.py`."""

import golden
import torch
from torch import Tensor

from kdexplorer.distillation import (
    attention_transfer_loss,
    channel_wise_loss,
    dist_loss,
    dkd_loss,
    hierarchical_context_loss,
    hint_loss,
    logit_standardization_loss,
    masked_generative_loss,
    nst_loss,
    pkt_loss,
    rkd_angle_loss,
    rkd_distance_loss,
    similarity_preserving_loss,
    soft_target_loss,
    vid_loss,
)

S, T, Y = golden.STUDENT_LOGITS, golden.TEACHER_LOGITS, golden.TARGET
FS, FT = golden.STUDENT_FEATURE, golden.TEACHER_FEATURE
ES, ET = golden.STUDENT_EMBEDDING, golden.TEACHER_EMBEDDING
FIVE = torch.full((3,), 5.0, dtype=torch.float64)

GOLDEN: dict[str, list[tuple[Tensor, Tensor | float]]] = {
    "soft_targets": [(soft_target_loss(S, T, 4.0), golden.SOFT_TARGETS_T4)],
    "logit_standardization": [(logit_standardization_loss(S, T, 2.0), golden.LOGIT_STANDARDIZATION_T2)],
    "dkd": [
        (dkd_loss(S, T, Y, 1.0, 0.0, 4.0), golden.DKD_T4_TARGET),
        (dkd_loss(S, T, Y, 0.0, 1.0, 4.0), golden.DKD_T4_OTHERS),
        (dkd_loss(S, T, Y, 1.0, 8.0, 4.0), golden.DKD_T4_A1_B8),
    ],
    "dist": [
        (dist_loss(S, T, 1.0, 1.0, 1.0), golden.DIST_T1),
        (dist_loss(S, T, 1.0, 1.0, 4.0), golden.DIST_T4),
    ],
    "hint": [(hint_loss(FS, FT), golden.HINT)],
    "attention_transfer": [(attention_transfer_loss(FS, FT), golden.ATTENTION_TRANSFER)],
    "similarity_preserving": [(similarity_preserving_loss(FS, FT), golden.SIMILARITY_PRESERVING)],
    "rkd_distance": [(rkd_distance_loss(ES, ET), golden.RKD_DISTANCE)],
    "rkd_angle": [(rkd_angle_loss(ES, ET), golden.RKD_ANGLE)],
    "pkt": [(pkt_loss(ES, ET), golden.PKT)],
    "vid": [(vid_loss(FS, FT, FIVE), golden.VID_VARIANCE_5)],
    "nst": [(nst_loss(FS, FT), golden.NST)],
    "channel_wise": [
        (channel_wise_loss(FS, FT, 1.0), golden.CHANNEL_WISE_T1),
        (channel_wise_loss(FS, FT, 4.0), golden.CHANNEL_WISE_T4),
    ],
    "mgd": [(masked_generative_loss(FS, FT), golden.MGD_UNMASKED)],
    "review_kd": [(hierarchical_context_loss(FS, FT), golden.REVIEW_KD_8X8)],
}
