// The ui as the GPU draws it: exact where it can be said what is right, goldens of the panel for the rest.
#include <doctest/doctest.h>

#include <cstring>

#include "compute/vk/commands.h"
#include "engine/renderer.h"
#include "plugins/panel/panel.h"
#include "plugins/panel/ui/ui_textures.h"
#include "tests/engine/pictures.h"
#include "tests/panel/fake.h"
#include "tests/support/device.h"

using namespace sac;
using namespace sac::engine;
using namespace sac::test;

namespace {

// A ui that draws into memory.
class Sheet {
public:
    explicit Sheet(VkExtent2D extent) : extent_(extent) {
        auto renderer =
            Renderer::create(device(), memory(), VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, 1);
        REQUIRE(renderer.ok());
        renderer_ = std::move(*renderer);
        auto made = panel::Ui::create(device(), memory(), renderer_->pass(), 1);
        REQUIRE_MESSAGE(made.ok(), made.error().message);
        ui = std::move(*made);
        auto target =
            vk::GpuImage::create(device(), memory(), extent, VK_FORMAT_R8G8B8A8_UNORM,
                                 VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT, "sheet");
        REQUIRE(target.ok());
        target_ = std::move(*target);
        auto framebuffer = renderer_->create_framebuffer(target_.view(), extent);
        REQUIRE(framebuffer.ok());
        framebuffer_ = *framebuffer;
    }
    ~Sheet() { device().fn().DestroyFramebuffer(device().handle(), framebuffer_, nullptr); }

    void begin() { ui->begin(extent_, 0.3f); }
    Image draw() {
        const vk::Buffer readback = host_buffer(VkDeviceSize{extent_.width} * extent_.height * 4, "sheet");
        const auto record = [&](VkCommandBuffer commands) -> Status {
            SAC_TRY(ui->upload(commands, 0));
            Renderer::Scene scene;
            scene.on_top = [&](VkCommandBuffer c) { ui->draw(c, 0, extent_); };
            SAC_TRY(renderer_->draw(commands, 0, framebuffer_, extent_, scene));
            vk::copy_to_host(device(), commands, target_.handle(), extent_, readback.handle());
            return {};
        };
        const Status done = vk::run_once(device(), record, "sheet");
        REQUIRE_MESSAGE(done.ok(), done.error().message);
        Image image(extent_.width, extent_.height);
        std::memcpy(image.pixels.data(), readback.mapped(), image.pixels.size());
        return image;
    }

    std::unique_ptr<panel::Ui> ui;

private:
    VkExtent2D extent_;
    std::unique_ptr<Renderer> renderer_;
    vk::GpuImage target_;
    VkFramebuffer framebuffer_ = VK_NULL_HANDLE;
};

void give_budget() {
    sac_budget budget = {.type = SAC_TYPE_BUDGET, .size = sizeof budget};
    budget.budget_us = 5600;
    REQUIRE(fake_api().set_budget({1}, &budget) == SAC_OK);
    fake().slices.host_frames = 7321;
    fake().slices.missed = 12;
}

}  // namespace

TEST_CASE("a hundred pictures lie where they are put, pixel by pixel, and go again") {
    Sheet sheet({320, 320});
    for (int round = 0; round < 2; ++round) {
        std::vector<ImTextureID> ids;
        sheet.begin();
        ImDrawList &list = *ImGui::GetBackgroundDrawList();
        for (uint32_t i = 0; i < 100; ++i) {
            ids.push_back(sheet.ui->create_texture(16, 16));
            REQUIRE(ids.back());
            Image picture = flat(16, 16, static_cast<uint8_t>(i * 2), static_cast<uint8_t>(255 - i), 30);
            *picture.at(3, 5) = 255;
            sheet.ui->update_texture(ids.back(), picture.pixels.data());
            const float x = static_cast<float>(i % 10 * 32), y = static_cast<float>(i / 10 * 32);
            list.AddImage(ids.back(), {x, y}, {x + 16, y + 16});
        }
        const Image drawn = sheet.draw();
        int wrong = 0;
        for (uint32_t i = 0; i < 100; ++i)
            for (uint32_t y = 0; y < 16; ++y)
                for (uint32_t x = 0; x < 16; ++x) {
                    const uint8_t *pixel = drawn.at(i % 10 * 32 + x, i / 10 * 32 + y);
                    wrong += pixel[0] != (x == 3 && y == 5 ? 255 : i * 2) || pixel[1] != 255 - i || pixel[2] != 30;
                }
        CHECK(wrong == 0);
        for (const ImTextureID id : ids) sheet.ui->destroy_texture(id);
    }
}

TEST_CASE("rectangles end at their clip, half transparent ones let through what is below") {
    Sheet sheet({64, 64});
    sheet.begin();
    ImDrawList &list = *ImGui::GetBackgroundDrawList();
    list.Flags = ImDrawListFlags_None;
    list.AddRectFilled({0, 0}, {64, 64}, IM_COL32(200, 100, 0, 255));
    list.PushClipRect({-10, 16}, {32, 100});
    list.AddRectFilled({-100, -100}, {200, 200}, IM_COL32(0, 0, 200, 128));
    list.PopClipRect();
    const Image drawn = sheet.draw();
    CHECK(drawn.at(10, 15)[0] == 200);
    CHECK(drawn.at(32, 40)[0] == 200);
    CHECK(std::abs(drawn.at(31, 16)[0] - 100) <= 1);
    CHECK(std::abs(drawn.at(0, 63)[2] - 100) <= 1);
}

TEST_CASE("a click within one frame is not lost") {
    Sheet sheet({64, 64});
    int clicks = 0;
    for (int frame = 0; frame < 6; ++frame) {
        if (frame == 2) {
            sheet.ui->take({panel::UiEvent::Kind::cursor, 20, 20});
            for (const bool down : {true, false}) {
                panel::UiEvent event = {panel::UiEvent::Kind::button};
                event.down = down;
                sheet.ui->take(event);
            }
        }
        sheet.begin();
        ImGui::SetNextWindowPos({0, 0});
        ImGui::SetNextWindowSize({64, 64});
        ImGui::Begin("window", nullptr, ImGuiWindowFlags_NoDecoration);
        clicks += ImGui::Button("button", {48, 48});
        ImGui::End();
        (void)sheet.draw();
    }
    CHECK(clicks == 1);
}

TEST_CASE("goldens of the panel") {
    for (const char *part : {"Overview", "Detection", "Timing", "Network", "Memory", "Presets", "Slices"}) {
        reset_fake();
        Sheet sheet({480, 800});
        panel::apply_style(1);
        panel::UiTextures textures(*sheet.ui);
        panel::Panel panel(fake_api(), {1}, textures);
        const bool slices = std::string_view(part) == "Slices";  // the timing part, with a budget
        panel.open_part(slices ? "Timing" : part);
        if (slices) give_budget();
        panel::Host host;
        host.sources = {"camera", "scene"};
        host.models = {"toybox"};
        host.source = host.model = 0;
        host.frame_ms = 25;
        constexpr int frames = 12;
        for (int i = 0; i < frames; ++i) {
            if (i == 4) sheet.ui->take({panel::UiEvent::Kind::cursor, 60, 298});
            if (i == 5 || i == 6) {  // in the network's part: on a layer
                panel::UiEvent event = {panel::UiEvent::Kind::button};
                event.down = i == 5;
                if (std::string_view(part) == "Network") sheet.ui->take(event);
            }
            if (slices) {
                fake().frames += 2;
                fake().slices.slices += 16;
                fake().slices.slice_us = i % 4 == 3 ? 4300 : 3900;
            }
            sheet.begin();
            (void)panel.draw({0, 0, 480, 800}, host);
            ++fake().sequence;
            if (i + 1 < frames) (void)sheet.draw();
        }
        std::string name = std::string("panel_") + part;
        name[6] = static_cast<char>(name[6] + 'a' - 'A');
        expect_golden(sheet.draw(), name, 6);
    }
}
