"""Distillation: pure loss functions, the registered methods around them, and the objective that sums them."""

from kdexplorer.distillation.method import METHODS, MethodSpec, Pair, Signals
from kdexplorer.distillation.methods.artifact_attention import artifact_attention_loss
from kdexplorer.distillation.methods.attention_transfer import attention_transfer_loss
from kdexplorer.distillation.methods.channel_attention import channel_attention_loss
from kdexplorer.distillation.methods.channel_wise import channel_wise_loss
from kdexplorer.distillation.methods.contrastive_regularization import contrastive_regularization_loss
from kdexplorer.distillation.methods.crd import crd_loss
from kdexplorer.distillation.methods.data_upcycling import zoom_in_loss, zoom_out_loss
from kdexplorer.distillation.methods.dist import dist_loss
from kdexplorer.distillation.methods.distribution_mapping import distribution_mapping_loss
from kdexplorer.distillation.methods.dkd import dkd_loss
from kdexplorer.distillation.methods.feature_affinity import feature_affinity_loss
from kdexplorer.distillation.methods.gated_response import gated_response_loss
from kdexplorer.distillation.methods.grad_cam_alignment import grad_cam_loss
from kdexplorer.distillation.methods.hint import hint_loss
from kdexplorer.distillation.methods.image_contrastive import image_contrastive_loss
from kdexplorer.distillation.methods.logit_standardization import logit_standardization_loss
from kdexplorer.distillation.methods.mgd import masked_generative_loss
from kdexplorer.distillation.methods.multi_scale import multi_scale_loss
from kdexplorer.distillation.methods.nst import nst_loss
from kdexplorer.distillation.methods.pkt import pkt_loss
from kdexplorer.distillation.methods.response import reconstruction_loss
from kdexplorer.distillation.methods.review_kd import hierarchical_context_loss
from kdexplorer.distillation.methods.rkd_angle import rkd_angle_loss
from kdexplorer.distillation.methods.rkd_distance import rkd_distance_loss
from kdexplorer.distillation.methods.self_distillation import self_distillation_loss
from kdexplorer.distillation.methods.similarity_preserving import similarity_preserving_loss
from kdexplorer.distillation.methods.soft_targets import soft_target_loss
from kdexplorer.distillation.methods.token_attention import token_attention_loss
from kdexplorer.distillation.methods.token_values import token_value_loss
from kdexplorer.distillation.methods.vid import vid_loss
from kdexplorer.distillation.objective import Objective

__all__ = [
    "METHODS",
    "MethodSpec",
    "Objective",
    "Pair",
    "Signals",
    "artifact_attention_loss",
    "attention_transfer_loss",
    "channel_attention_loss",
    "channel_wise_loss",
    "contrastive_regularization_loss",
    "crd_loss",
    "dist_loss",
    "distribution_mapping_loss",
    "dkd_loss",
    "feature_affinity_loss",
    "gated_response_loss",
    "grad_cam_loss",
    "hierarchical_context_loss",
    "hint_loss",
    "image_contrastive_loss",
    "logit_standardization_loss",
    "masked_generative_loss",
    "multi_scale_loss",
    "nst_loss",
    "pkt_loss",
    "reconstruction_loss",
    "rkd_angle_loss",
    "rkd_distance_loss",
    "self_distillation_loss",
    "similarity_preserving_loss",
    "soft_target_loss",
    "token_attention_loss",
    "token_value_loss",
    "vid_loss",
    "zoom_in_loss",
    "zoom_out_loss",
]
