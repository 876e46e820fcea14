#pragma once
// The architectures, each a function that describes one network to a builder, input to outputs.

#include "samples/networks/builder.h"

namespace sac::networks {

// classifiers.cpp: one output "output" [1, 1000]
void squeezenet(Builder &b);
void mobilenet_v2(Builder &b);
void mobilenet_v3(Builder &b);
void shufflenet_v2(Builder &b);
void efficientnet_b0(Builder &b);
void resnet18(Builder &b);
void resnet50(Builder &b);
void vgg16(Builder &b);

// detectors.cpp
void fastestdet(Builder &b);   ///< "output" [1, 85, 22, 22]
void yolov4_tiny(Builder &b);  ///< "coarse" [1, 255, 13, 13], "fine" [1, 255, 26, 26]
void nanodet_m(Builder &b);    ///< for strides 8, 16, 32: "classes_8" [1, 80, cells], "distances_8" [1, 32, cells] ...

/// Channels in turn from the first and the second half (Zhang et al. 2017).
Tensor channel_shuffle(Builder &b, const Tensor &x);
/// The stages of ShuffleNetV2 (Ma et al. 2018) behind the stem: their outputs.
std::vector<Tensor> shufflenet_v2_stages(Builder &b, Tensor x, Act act);

// transformers.cpp: one output "output" [1, 1000]
void vit_b32(Builder &b);
void vit_b16(Builder &b);
void vit_tiny(Builder &b);

}  // namespace sac::networks
