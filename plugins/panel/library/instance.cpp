#include "plugins/panel/library/instance.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "plugins/vision/structs.h"

namespace sac::panel {

namespace {

constexpr uint64_t grace_ns = 2'000'000'000;  // that recorded commands have to be done at the end
constexpr size_t most_events = 1024;          // that wait for a drawing

// The plugin must know the context, or every drawing would be one long complaint.
Status check_context(const sac_api &api, sac_context context) {
    sac_context_info info = {};
    info.type = SAC_TYPE_CONTEXT_INFO;
    info.size = sizeof info;
    if (api.get_context_info(context, &info) == SAC_OK) return {};
    char text[512] = {};
    api.get_last_error(context, text, sizeof text);
    return Error(Code::not_found, format("desc.context: %s", text));
}

// Nothing is submitted to a host's queues, so any mode will do, and locks are for show.
Result<vision::OpenedDevice> open_host_device(const sac_vk_device *given, const vision::Host &log) {
    sac_vk_device device = {};
    SAC_TRY(vision::read_struct(given, SAC_TYPE_VK_DEVICE, "device", device));
    device.mode = SAC_MODE_SHARED_QUEUE;
    sac_host table = {};
    table.type = SAC_TYPE_HOST;
    table.size = sizeof table;
    table.lock_queue = table.unlock_queue = [](void *) {};
    SAC_ASSIGN(const auto locks, vision::Host::create(&table));
    SAC_ASSIGN(auto opened, vision::open_device(&device, {}, *locks, {}));
    log.write(LogLevel::debug, "the panel is on the host's device");
    return opened;
}

Status check_draws(const vk::Device &device) {
    uint32_t count = 0;
    device.instance_fn().GetPhysicalDeviceQueueFamilyProperties(device.physical_device(), &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(count);
    device.instance_fn().GetPhysicalDeviceQueueFamilyProperties(device.physical_device(), &count, families.data());
    if (device.queue_family() < count && families[device.queue_family()].queueFlags & VK_QUEUE_GRAPHICS_BIT) return {};
    return Error(Code::unsupported,
                 format("queue family %u of the device cannot draw (VK_QUEUE_GRAPHICS_BIT)", device.queue_family()));
}

}  // namespace

Result<std::unique_ptr<Instance>> Instance::create(const sac_panel_desc *given) {
    sac_api api = {};
    SAC_ASSIGN(const sac_panel_desc desc, read_desc(given, api));
    SAC_TRY(check_context(api, desc.context));
    std::unique_ptr<Instance> instance(new Instance);
    SAC_TRY(instance->open(desc));

    Ui &ui = instance->drawing_->ui();
    if (desc.get_clipboard)
        ui.use_clipboard(
            [get = desc.get_clipboard, user = desc.clipboard_user] {
                const char *const text = get(user);
                return std::string(text ? text : "");
            },
            [set = desc.set_clipboard, user = desc.clipboard_user](const std::string &text) {
                set(user, text.c_str());
            });
    apply_style(desc.scale);
    ImGui::GetIO().FontGlobalScale = desc.scale;
    instance->textures_ = std::make_unique<UiTextures>(ui);
    instance->panel_ =
        std::make_unique<Panel>(api, desc.context, *instance->textures_, desc.preset_folder ? desc.preset_folder : "");
    if (desc.budget_ms > 0) instance->panel_->set_budget(desc.budget_ms);
    instance->panel_->set_tracks(desc.flags & SAC_PANEL_TRACKS);
    return instance;
}

Status Instance::open(const sac_panel_desc &desc) {
    sac_host table = {};
    if (desc.host) SAC_TRY(vision::read_struct(desc.host, SAC_TYPE_HOST, "host", table));
    sac_host log = {};
    log.type = SAC_TYPE_HOST;
    log.size = sizeof log;
    log.user = table.user;
    log.log = table.log;
    SAC_ASSIGN(host_, vision::Host::create(&log));

    vision::OwnDeviceOptions own;
    own.name = desc.device_name;
    own.validation = desc.flags & SAC_PANEL_VALIDATION;
    SAC_ASSIGN(auto opened,
               desc.device ? open_host_device(desc.device, *host_) : vision::open_device(nullptr, own, *host_, {}));
    device_ = std::move(opened.device);
    SAC_TRY(check_draws(*device_));
    format_ = desc.format;
    SAC_ASSIGN(
        drawing_,
        Drawing::create(*device_, format_ == SAC_FORMAT_RGBA8 ? VK_FORMAT_R8G8B8A8_UNORM : VK_FORMAT_B8G8R8A8_UNORM,
                        {desc.width, desc.height}, desc.device ? SAC_PANEL_MAX_IN_FLIGHT : 1));
    return desc.device ? Status() : create_own();
}

Status Instance::create_own() {
    SAC_ASSIGN(timeline_, vk::Timeline::create(*device_, "panel"));
    SAC_ASSIGN(commands_, vk::CommandBuffer::create(*device_, "panel"));
    return {};
}

Instance::~Instance() {
    panel_.reset();  // it gives its pictures back
    textures_.reset();
    readback_ = {};
    drawing_.reset();
}

Status Instance::resize(uint32_t width, uint32_t height) {
    SAC_TRY(check_size(width, height));
    const VkExtent2D now = drawing_->extent();
    if (width == now.width && height == now.height) return {};
    return drawing_->resize({width, height});
}

Status Instance::send_event(const sac_panel_event *given) {
    SAC_ASSIGN(Input input, read_event(given));
    const bool moved = !input.is_text && input.event.kind == UiEvent::Kind::cursor;
    const bool moving =
        !events_.empty() && !events_.back().is_text && events_.back().event.kind == UiEvent::Kind::cursor;
    if (moved && moving) {  // only where it went to can matter
        events_.back() = std::move(input);
        return {};
    }
    if (events_.size() == most_events)
        return Error(Code::invalid_state,
                     format("%zu events wait for a drawing already: draw the panel, or hide it", most_events));
    events_.push_back(std::move(input));
    return {};
}

Status Instance::open_part(const char *name) {
    SAC_TRY(check_part(name));
    panel_->open_part(name);
    return {};
}

void Instance::hide() {
    events_.clear();
    UiEvent lost;
    lost.kind = UiEvent::Kind::focus;
    drawing_->ui().take(lost);
    panel_->hide();
}

// ImGui looks at the state of pointer and keys once a frame. So a button or key that changed ends what one frame gets
// to see: a click of the same moment takes two, and what moves after it comes later.
void Instance::take_events() {
    bool changed = false;
    while (!events_.empty()) {
        const Input &input = events_.front();
        const UiEvent::Kind kind = input.event.kind;
        const bool changes = !input.is_text && (kind == UiEvent::Kind::button || kind == UiEvent::Kind::key ||
                                                kind == UiEvent::Kind::focus);
        if (changed && (changes || kind == UiEvent::Kind::cursor)) return;
        changed |= changes;
        if (input.is_text)
            drawing_->ui().type(input.text.c_str());
        else
            drawing_->ui().take(input.event);
        events_.pop_front();
    }
}

Status Instance::show_live_frame(Told &told) {
    const VkExtent2D size = {told.host.frame_width, told.host.frame_height};
    if (!told.pixels) return {};
    Ui &ui = drawing_->ui();
    if (size.width != live_size_.width || size.height != live_size_.height) {
        const ImTextureID made = ui.create_texture(size.width, size.height, true);
        if (!made)
            return Error(Code::out_of_memory,
                         format("frame.pixels: there is no picture of %u x %u to be had", size.width, size.height));
        if (live_) ui.destroy_texture(live_);
        live_ = made;
        live_size_ = size;
    }
    const size_t row = size_t{size.width} * 4;
    live_pixels_.resize(row * size.height);
    for (uint32_t y = 0; y < size.height; ++y) {
        uint8_t *const to = live_pixels_.data() + y * row;
        std::memcpy(to, told.pixels + size_t{y} * told.stride, row);
        for (size_t x = 3; x < row; x += 4) to[x] = 255;  // alpha is not looked at
    }
    ui.update_texture(live_, live_pixels_.data());
    told.host.frame = live_;
    return {};
}

Status Instance::draw_panel(Told told, sac_panel_wishes &wishes) {
    SAC_TRY(show_live_frame(told));
    const uint64_t now = vision::now_ns();
    constexpr float at_first = 1.0f / 60;
    const float passed = drawn_ns_ ? static_cast<float>(static_cast<double>(now - drawn_ns_) * 1e-9) : at_first;
    drawn_ns_ = now;
    take_events();
    Ui &ui = drawing_->ui();
    const VkExtent2D extent = drawing_->extent();
    ui.begin(extent, told.seconds > 0 ? told.seconds : passed);
    const Wishes wished =
        panel_->draw({0, 0, static_cast<float>(extent.width), static_cast<float>(extent.height)}, told.host);
    wishes.source = wished.source;
    wishes.model = wished.model;
    wishes.wants_pointer = ui.wants_pointer();
    wishes.wants_keyboard = ui.wants_keyboard();
    return {};
}

Status Instance::draw_pixels(const sac_panel_frame *frame, const sac_panel_pixels *given_pixels,
                             sac_panel_wishes *wishes) {
    if (!on_own_device())
        return Error(Code::invalid_state, "the panel is on the host's device (desc.device): it is drawn by record");
    const VkExtent2D extent = drawing_->extent();
    SAC_ASSIGN(Told told, read_frame(frame));
    SAC_ASSIGN(const sac_panel_pixels pixels, read_pixels(given_pixels, extent.width, extent.height));
    if (wishes) SAC_TRY(vision::check_struct(wishes, SAC_TYPE_PANEL_WISHES, sizeof *wishes, "wishes"));

    const VkDeviceSize bytes = VkDeviceSize{extent.width} * extent.height * 4;
    if (readback_.size() < bytes) {
        SAC_ASSIGN(readback_, vk::Buffer::create(*device_, drawing_->memory(), bytes, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                                                 vk::MemoryUse::readback, "panel readback"));
    }
    sac_panel_wishes filled = {};
    SAC_TRY(draw_panel(std::move(told), filled));
    SAC_TRY(commands_.begin(true));
    SAC_TRY(drawing_->record(commands_.handle(), 0));
    vk::copy_to_host(*device_, commands_.handle(), drawing_->image(), extent, readback_.handle());
    SAC_TRY(commands_.end());
    const VkCommandBuffer commands = commands_.handle();
    const vk::SemaphorePoint done = {timeline_->handle(), timeline_->next()};
    SAC_TRY(device_->submit({&commands, 1}, {}, {&done, 1}));
    SAC_TRY(timeline_->wait(done.value));

    const uint8_t *from = readback_.mapped<uint8_t>();
    const size_t row = size_t{extent.width} * 4;
    for (uint32_t y = 0; y < extent.height; ++y)
        std::memcpy(static_cast<uint8_t *>(pixels.pixels) + size_t{y} * pixels.stride, from + y * row, row);
    return wishes ? vision::write_struct(wishes, SAC_TYPE_PANEL_WISHES, "wishes", filled) : Status();
}

Result<bool> Instance::is_done(const Flight &flight) const {
    if (!flight.done) return true;
    uint64_t value = 0;
    SAC_VK(device_->fn().GetSemaphoreCounterValue(device_->handle(), flight.done, &value),
           "asking commands.done_semaphore for its value");
    return value >= flight.value;
}

Result<bool> Instance::record(const sac_panel_frame *frame, const sac_panel_image *given_image,
                              const sac_vk_commands *given_commands, sac_panel_wishes *wishes) {
    if (on_own_device())
        return Error(Code::invalid_state,
                     "the panel has a device of its own: give desc.device to record into the host's commands");
    SAC_ASSIGN(Told told, read_frame(frame));
    SAC_ASSIGN(const sac_panel_image image, read_image(given_image, format_));
    SAC_ASSIGN(const sac_vk_commands commands, read_commands(given_commands, device_->queue_family()));
    if (wishes) SAC_TRY(vision::check_struct(wishes, SAC_TYPE_PANEL_WISHES, sizeof *wishes, "wishes"));

    const auto slot = static_cast<uint32_t>(recorded_ % flights_.size());
    SAC_ASSIGN(const bool free, is_done(flights_[slot]));
    if (!free) return false;
    flights_[slot] = {};
    const Flight flight = {reinterpret_cast<VkSemaphore>(commands.done_semaphore), commands.done_value};
    SAC_ASSIGN(const bool too_early, is_done(flight));
    if (too_early)
        return Error(Code::invalid_argument,
                     format("commands.done_value is %llu, which commands.done_semaphore has reached already",
                            static_cast<unsigned long long>(flight.value)));

    sac_panel_wishes filled = {};
    SAC_TRY(draw_panel(std::move(told), filled));
    flights_[slot] = flight;
    ++recorded_;
    const auto to = static_cast<VkCommandBuffer>(commands.command_buffer);
    SAC_TRY(drawing_->record(to, slot));
    SAC_TRY(record_copy(to, image));
    if (wishes) SAC_TRY(vision::write_struct(wishes, SAC_TYPE_PANEL_WISHES, "wishes", filled));
    return true;
}

Status Instance::record_copy(VkCommandBuffer commands, const sac_panel_image &image) {
    const auto target = reinterpret_cast<VkImage>(image.image);
    constexpr VkAccessFlags any = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT;
    const auto layout_in = static_cast<VkImageLayout>(image.layout_in);
    const vk::ImageUse before = {VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_ACCESS_MEMORY_WRITE_BIT, layout_in};
    const vk::ImageUse after = {VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, any, static_cast<VkImageLayout>(image.layout_out)};
    vk::image_barrier(*device_, commands, target, before, vk::transfer_write);
    VkImageCopy region = {};
    region.srcSubresource = region.dstSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
    region.dstOffset = {static_cast<int32_t>(image.x), static_cast<int32_t>(image.y), 0};
    region.extent = {std::min(drawing_->extent().width, image.width - image.x),
                     std::min(drawing_->extent().height, image.height - image.y), 1};
    device_->fn().CmdCopyImage(commands, drawing_->image(), VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, target,
                               VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region);
    vk::image_barrier(*device_, commands, target, vk::transfer_write, after);
    return {};
}

Result<bool> Instance::finish() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(grace_ns);  // of all together
    for (Flight &flight : flights_) {
        if (!flight.done) continue;
        VkSemaphoreWaitInfo wait = {};
        wait.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO;
        wait.semaphoreCount = 1;
        wait.pSemaphores = &flight.done;
        wait.pValues = &flight.value;
        const auto left = std::max(end - std::chrono::steady_clock::now(), std::chrono::steady_clock::duration(0));
        const auto timeout = static_cast<uint64_t>(std::chrono::nanoseconds(left).count());
        const VkResult result = device_->fn().WaitSemaphores(device_->handle(), &wait, timeout);
        if (result == VK_TIMEOUT) return false;
        if (result != VK_SUCCESS && result != VK_ERROR_DEVICE_LOST)  // a lost device uses nothing any more
            return vk::vk_error(result, "waiting for commands.done_semaphore");
        flight = {};
    }
    return true;
}

}  // namespace sac::panel
