#include "samples/networks/networks.h"

#include "samples/networks/families.h"

namespace sac {
namespace {

using namespace networks;

constexpr NetworkEntry entries[] = {
    {"squeezenet", 227, 17, squeezenet, 418467520, "squeezenet"},
    {"mobilenet_v2", 224, 13, mobilenet_v2, 313619328, "mobilenet_v2"},
    {"mobilenet_v3", 224, 17, mobilenet_v3, 245564768, "mobilenet_v3"},
    {"shufflenet_v2", 224, 17, shufflenet_v2, 144907992, "shufflenet_v2"},
    {"efficientnet_b0", 224, 17, efficientnet_b0, 385814752, "efficientnet_b0"},
    {"resnet18", 224, 13, resnet18, 1826918400, "resnet18"},
    {"resnet50", 224, 17, resnet50, 3857973248, "resnet50"},
    {"vgg16", 224, 17, vgg16, 15470264320, "vgg16"},
    {"yolov4_tiny", 416, 13, yolov4_tiny, 3453938176, "yolov4-tiny"},
    {"nanodet_m", 320, 13, nanodet_m, 342223200, "nanodet_m"},
    {"fastestdet", 352, 13, fastestdet, 121491744, "FastestDet"},
    {"vision_transformer", 384, 17, vit_b32, 13043564544, "vision_transformer"},
    {"vision_transformer_13", 384, 13, vit_b32, 13043564544},
    {"vit_b16", 224, 17, vit_b16, 0},
    {"vit_tiny", 224, 17, vit_tiny, 0},
    {"vit_tiny_13", 224, 13, vit_tiny, 0},
};

Builder build(const NetworkEntry &network, std::optional<uint64_t> seed) {
    Builder builder(seed, network.opset, network.size);
    network.build(builder);
    return builder;
}

}  // namespace

std::span<const NetworkEntry> network_list() { return entries; }

Result<const NetworkEntry *> find_network(const std::string &name) {
    std::string known;
    for (const NetworkEntry &network : entries) {
        if (name == network.name) return &network;
        known += std::string(known.empty() ? "" : ", ") + network.name;
    }
    return Error(Code::not_found, "network '" + name + "' is not known; there are " + known);
}

Result<double> network_multiply_adds(const std::string &name) {
    SAC_ASSIGN(const NetworkEntry *network, find_network(name));
    return build(*network, std::nullopt).multiply_adds();
}

Result<std::string> network_bytes(const std::string &name, uint64_t seed) {
    SAC_ASSIGN(const NetworkEntry *network, find_network(name));
    return build(*network, seed).model().bytes();
}

Status write_network(const std::string &name, uint64_t seed, const std::string &path) {
    SAC_ASSIGN(const NetworkEntry *network, find_network(name));
    return build(*network, seed).model().save(path);
}

}  // namespace sac
