// labels: no_asan
// A small vision transformer of opset 13, all spelled out, against plain loops in double precision that share nothing
// with the project: patches, tokens, two blocks of attention and linear layers, normalisation, GELU, a classifier.
#include <doctest/doctest.h>

#include <cmath>

#include "compute/session.h"
#include "tests/support/device.h"
#include "tests/support/model.h"
#include "tests/support/ref.h"

namespace sac::test {
namespace {

using Ints = std::vector<int64_t>;
using Rows = std::vector<std::vector<double>>;

constexpr int64_t side = 24, patch = 8, columns = 48, heads = 3, hidden = 96, classes = 10, blocks = 2;
constexpr int64_t patches = (side / patch) * (side / patch), tokens = patches + 1, head = columns / heads;

struct Weights {
    Shape shape;
    std::vector<float> values;
    double at(int64_t i, int64_t j) const {
        return static_cast<double>(values[static_cast<size_t>(i * shape.back() + j)]);
    }
    double at(int64_t i) const { return static_cast<double>(values[static_cast<size_t>(i)]); }
};

/// The network as a file, and its weights by name.
struct Network {
    onnx::ModelWriter model{13};
    std::map<std::string, Weights> weights;
    std::string last;

    void floats(const std::string &name, const Shape &shape, double range, double centre = 0) {
        const uint64_t seed = weights.size() + 1;
        Weights w{shape,
                  random_floats(static_cast<size_t>(element_count(shape)), seed, centre - range, centre + range)};
        model.floats(name, shape, w.values);
        weights[name] = std::move(w);
    }
    void integers(const std::string &name, const Ints &values) {
        model.int64s(name, {static_cast<int64_t>(values.size())}, values);
    }
    std::string add(const std::string &type, const std::vector<std::string> &inputs, const std::string &name,
                    const onnx::ModelWriter::Attributes &attributes = {}) {
        model.node(type, inputs, {name}, attributes);
        return last = name;
    }
    std::string norm(const std::string &x, const std::string &name) {
        floats(name + ".scale", {columns}, 0.5, 1);
        floats(name + ".bias", {columns}, 0.5);
        const onnx::ModelWriter::Attributes over = {{"axes", Ints{-1}}};
        add("ReduceMean", {x}, name + ".mean", over);
        add("Sub", {x, last}, name + ".centred");
        add("Pow", {last, "two"}, name + ".square");
        add("ReduceMean", {last}, name + ".variance", over);
        add("Add", {last, "epsilon"}, name + ".sum");
        add("Sqrt", {last}, name + ".root");
        add("Div", {name + ".centred", last}, name + ".normal");
        add("Mul", {last, name + ".scale"}, name + ".scaled");
        return add("Add", {last, name + ".bias"}, name);
    }
    std::string linear(const std::string &x, const std::string &name, int64_t in, int64_t out) {
        floats(name + ".w", {in, out}, 1.5 / std::sqrt(static_cast<double>(in)));
        floats(name + ".b", {out}, 0.2);
        add("MatMul", {x, name + ".w"}, name + ".product");
        return add("Add", {name + ".b", last}, name);
    }
    std::string attention(const std::string &x, const std::string &name) {
        linear(x, name + ".qkv", columns, 3 * columns);
        add("Reshape", {last, "split_heads"}, name + ".heads");
        const std::string all = add("Transpose", {last}, name + ".all", {{"perm", Ints{2, 0, 3, 1, 4}}});
        const auto part = [&](const std::string &which) {
            return add("Gather", {all, which}, name + "." + which, {{"axis", int64_t{0}}});
        };
        const std::string q = part("zero"), k = part("one"), v = part("two_index");
        add("Transpose", {k}, name + ".kt", {{"perm", Ints{0, 1, 3, 2}}});
        add("MatMul", {q, last}, name + ".scores");
        add("Mul", {last, "scale"}, name + ".scaled");
        add("Add", {last, "bias"}, name + ".biased");
        add("Softmax", {last}, name + ".weights", {{"axis", int64_t{-1}}});
        add("MatMul", {last, v}, name + ".mixed");
        add("Transpose", {last}, name + ".back", {{"perm", Ints{0, 2, 1, 3}}});
        add("Reshape", {last, "join_heads"}, name + ".joined");
        return linear(last, name, columns, columns);
    }
    std::string gelu(const std::string &x, const std::string &name) {
        add("Div", {x, "root_two"}, name + ".d");
        add("Erf", {last}, name + ".e");
        add("Add", {last, "unit"}, name + ".a");
        add("Mul", {x, last}, name + ".m");
        return add("Mul", {last, "half"}, name);
    }

    Network() {
        model.input("image", {1, 3, side, side});
        for (const auto &[name, value] : {std::pair{"two", 2.0f},
                                          {"epsilon", 1e-6f},
                                          {"root_two", 1.41421356237f},
                                          {"unit", 1.0f},
                                          {"half", 0.5f},
                                          {"scale", 0.25f}})
            model.floats(name, {}, std::span(&value, 1));
        integers("split_heads", {1, tokens, 3, heads, head});
        integers("join_heads", {1, tokens, columns});
        integers("flat", {1, columns, patches});
        const int64_t numbers[] = {0, 1, 2};
        model.int64s("zero", {}, std::span(numbers, 1));
        model.int64s("one", {}, std::span(numbers + 1, 1));
        model.int64s("two_index", {}, std::span(numbers + 2, 1));
        floats("patch.w", {columns, 3, patch, patch}, 0.1);
        floats("patch.b", {columns}, 0.1);
        floats("class", {1, 1, columns}, 1);
        floats("position", {1, tokens, columns}, 1);
        floats("bias", {1, heads, tokens, tokens}, 2);
        add("Conv", {"image", "patch.w", "patch.b"}, "patches",
            {{"strides", Ints{patch, patch}}, {"kernel_shape", Ints{patch, patch}}});
        add("Reshape", {last, "flat"}, "flattened");
        add("Transpose", {last}, "rows", {{"perm", Ints{0, 2, 1}}});
        add("Concat", {"class", last}, "tokens", {{"axis", int64_t{1}}});
        std::string x = add("Add", {last, "position"}, "x");
        for (int64_t block = 0; block < blocks; ++block) {
            const std::string name = "block" + std::to_string(block);
            const std::string a = attention(norm(x, name + ".norm1"), name + ".attention");
            x = add("Add", {x, a}, name + ".middle");
            const std::string wide = linear(norm(x, name + ".norm2"), name + ".wide", columns, hidden);
            const std::string narrow = linear(gelu(wide, name + ".gelu"), name + ".narrow", hidden, columns);
            x = add("Add", {x, narrow}, name);
        }
        norm(x, "norm");
        add("Gather", {last, "zero"}, "chosen", {{"axis", int64_t{1}}});
        floats("classifier.w", {classes, columns}, 0.3);
        floats("classifier.b", {classes}, 0.3);
        add("Gemm", {last, "classifier.w", "classifier.b"}, "logits", {{"transB", int64_t{1}}});
        model.output("logits");
    }

    // The same in plain loops.
    Rows norm_of(const Rows &x, const std::string &name) const {
        Rows y = x;
        for (auto &row : y) {
            double mean = 0, variance = 0;
            for (const double v : row) mean += v / columns;
            for (const double v : row) variance += (v - mean) * (v - mean) / columns;
            for (int64_t c = 0; c < columns; ++c) {
                double &v = row[static_cast<size_t>(c)];
                v = (v - mean) / std::sqrt(variance + 1e-6) * weights.at(name + ".scale").at(c) +
                    weights.at(name + ".bias").at(c);
            }
        }
        return y;
    }
    Rows linear_of(const Rows &x, const std::string &name) const {
        const Weights &w = weights.at(name + ".w"), &b = weights.at(name + ".b");
        Rows y;
        for (const auto &row : x) {
            std::vector<double> sums;
            for (int64_t j = 0; j < w.shape[1]; ++j) {
                double sum = b.at(j);
                for (int64_t i = 0; i < w.shape[0]; ++i) sum += row[static_cast<size_t>(i)] * w.at(i, j);
                sums.push_back(sum);
            }
            y.push_back(sums);
        }
        return y;
    }
    Rows attention_of(const Rows &x, const std::string &name) const {
        const Rows qkv = linear_of(x, name + ".qkv");
        Rows mixed(tokens, std::vector<double>(columns, 0));
        const auto at = [&](int64_t token, int64_t which, int64_t h, int64_t i) {
            return qkv[static_cast<size_t>(token)][static_cast<size_t>((which * heads + h) * head + i)];
        };
        for (int64_t h = 0; h < heads; ++h)
            for (int64_t row = 0; row < tokens; ++row) {
                std::vector<double> scores;
                double total = 0;
                for (int64_t key = 0; key < tokens; ++key) {
                    double score = 0;
                    for (int64_t i = 0; i < head; ++i) score += at(row, 0, h, i) * at(key, 1, h, i);
                    scores.push_back(std::exp(score * 0.25 + weights.at("bias").at((h * tokens + row) * tokens + key)));
                    total += scores.back();
                }
                for (int64_t i = 0; i < head; ++i)
                    for (int64_t key = 0; key < tokens; ++key)
                        mixed[static_cast<size_t>(row)][static_cast<size_t>(h * head + i)] +=
                            scores[static_cast<size_t>(key)] / total * at(key, 2, h, i);
            }
        return linear_of(mixed, name);
    }
    std::vector<double> run(const std::vector<float> &image) const {
        Rows x(tokens, std::vector<double>(columns, 0));
        for (int64_t c = 0; c < columns; ++c) {
            x[0][static_cast<size_t>(c)] = weights.at("class").at(c);
            for (int64_t p = 0; p < patches; ++p) {
                double sum = weights.at("patch.b").at(c);
                for (int64_t i = 0; i < 3 * patch * patch; ++i) {
                    const int64_t channel = i / (patch * patch), dy = i / patch % patch, dx = i % patch;
                    const int64_t row = p / (side / patch) * patch + dy, column = p % (side / patch) * patch + dx;
                    sum += weights.at("patch.w").at(c * 3 * patch * patch + i) *
                           static_cast<double>(image[static_cast<size_t>((channel * side + row) * side + column)]);
                }
                x[static_cast<size_t>(p + 1)][static_cast<size_t>(c)] = sum;
            }
        }
        const auto add_to = [](Rows &to, const Rows &what) {
            for (size_t i = 0; i < to.size(); ++i)
                for (size_t c = 0; c < to[i].size(); ++c) to[i][c] += what[i][c];
        };
        for (int64_t t = 0; t < tokens; ++t)
            for (int64_t c = 0; c < columns; ++c)
                x[static_cast<size_t>(t)][static_cast<size_t>(c)] += weights.at("position").at(t * columns + c);
        for (int64_t block = 0; block < blocks; ++block) {
            const std::string name = "block" + std::to_string(block);
            add_to(x, attention_of(norm_of(x, name + ".norm1"), name + ".attention"));
            Rows wide = linear_of(norm_of(x, name + ".norm2"), name + ".wide");
            for (auto &row : wide)
                for (double &v : row) v = 0.5 * v * (1 + std::erf(v / std::sqrt(2.0)));
            add_to(x, linear_of(wide, name + ".narrow"));
        }
        const std::vector<double> chosen = norm_of(x, "norm")[0];
        std::vector<double> logits;
        for (int64_t j = 0; j < classes; ++j) {
            double sum = weights.at("classifier.b").at(j);
            for (int64_t c = 0; c < columns; ++c)
                sum += chosen[static_cast<size_t>(c)] * weights.at("classifier.w").at(j, c);
            logits.push_back(sum);
        }
        return logits;
    }
};

}  // namespace

TEST_CASE("a vision transformer agrees with the reference, in few dispatches") {
    const Network network;
    const std::vector<float> image = random_floats(3 * side * side, 99);
    const std::vector<double> expected = network.run(image);
    auto runtime = Runtime::create(device(), {.cache_directory = ""});
    REQUIRE_MESSAGE(runtime.ok(), runtime.error().message);
    for (const DType storage : {DType::f32, DType::f16}) {
        auto session = Session::load(**runtime, import_model(network.model), {.storage = storage});
        REQUIRE_MESSAGE(session.ok(), session.error().message);
        CHECK(check_hazards((*session)->plan()).empty());
        std::map<std::string, size_t> types;
        for (const Node &node : (*session)->plan().graph.nodes) ++types[node.type];
        CHECK(types["Attention"] == blocks);
        CHECK(types["LayerNormalization"] == 2 * blocks + 1);
        CHECK(types["Gelu"] == 0);  // the linear layers end with it
        CHECK(types["Linear"] == 4 * blocks);
        CHECK(types["Transpose"] <= 1);  // of the patches alone
        CHECK(types["Softmax"] + types["Div"] + types["Mul"] + types["Pow"] == 0);
        CHECK(types["Add"] == 1);  // the positions
        REQUIRE((*session)->write_input("image", image).ok());
        for (int run = 0; run < 2; ++run) {  // the second run meets the first one's leavings in memory
            REQUIRE((*session)->run().ok());
            auto actual = (*session)->read_output("logits");
            REQUIRE_MESSAGE(actual.ok(), actual.error().message);
            CHECK(relative_error(*actual, expected) < (storage == DType::f16 ? 6e-3 : 1e-5));
        }
    }
}

}  // namespace sac::test
