#include "compute/tuner.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <random>

namespace sac {

namespace {

using Clock = std::chrono::steady_clock;

constexpr double near_best = 1.5;  // a candidate whose shortest run took so many times the best is not measured again
constexpr double unconfirmed_gain = 0.2;  // asked of a winner without the comparison: machines have slow minutes
constexpr size_t plans_to_compare = 4;    // both plans for the problems, both for the whole network

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double median(std::vector<double> values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// A loaded session, and how long its nodes take.
class Subject {
public:
    static Result<Subject> load(Runtime &runtime, const Graph &graph, const SessionOptions &options) {
        Subject subject(runtime);
        SAC_ASSIGN(subject.session_, Session::load(runtime, graph, options));
        std::minstd_rand random(1);
        std::uniform_real_distribution<float> uniform(-1, 1);
        for (const TensorInfo &input : subject.session_->inputs()) {
            std::vector<float> values(static_cast<size_t>(element_count(input.shape)));
            for (float &value : values) value = uniform(random);
            SAC_TRY(subject.session_->write_input(input.name, values));
        }
        if (options.profile && !runtime.device.caps().timestamps) SAC_TRY(subject.record_slices());
        return subject;
    }

    const std::vector<KernelChoice> &choices() const { return session_->plan().choices; }
    Status run() { return session_->run(); }

    /// Nanoseconds of each node's dispatches in a run of the session, which was loaded to be profiled.
    Result<std::vector<double>> run_timed() {
        const Plan &plan = session_->plan();
        std::vector<double> nodes(plan.graph.nodes.size());
        if (slices_.empty()) {
            SAC_TRY(session_->run());
            for (const DispatchTime &time : session_->last_profile())
                nodes[plan.dispatches[time.dispatch].node] += time.nanoseconds;
        }
        for (const Slice &slice : slices_) {
            const auto start = Clock::now();
            const VkCommandBuffer commands = slice.commands.handle();
            const vk::SemaphorePoint done = {timeline_->handle(), timeline_->next()};
            SAC_TRY(runtime_->device.submit({&commands, 1}, {}, {&done, 1}));
            SAC_TRY(timeline_->wait(done.value));
            nodes[slice.node] += seconds_since(start) * 1e9;
        }
        return nodes;
    }

private:
    explicit Subject(Runtime &runtime) : runtime_(&runtime) {}

    struct Slice {
        vk::CommandBuffer commands;
        size_t node = 0;
    };

    Status record_slices() {
        SAC_ASSIGN(timeline_, vk::Timeline::create(runtime_->device, "tuner"));
        const std::vector<Dispatch> &dispatches = session_->plan().dispatches;
        for (uint32_t first = 0, last = 0; first < dispatches.size(); first = last) {
            Slice slice;
            slice.node = dispatches[first].node;
            while (last < dispatches.size() && dispatches[last].node == slice.node) ++last;
            SAC_ASSIGN(slice.commands, vk::CommandBuffer::create(runtime_->device, "tuner"));
            SAC_TRY(slice.commands.begin(false));
            SAC_TRY(session_->record(slice.commands.handle(), first, last));
            SAC_TRY(slice.commands.end());
            slices_.push_back(std::move(slice));
        }
        return {};
    }

    Runtime *runtime_;
    std::unique_ptr<Session> session_;
    std::unique_ptr<vk::Timeline> timeline_;
    std::vector<Slice> slices_;  // without timestamps: a node each, in order
};

class Tuner {
public:
    Tuner(Runtime &runtime, const Graph &graph, const SessionOptions &options, const TunerOptions &tuner)
        : runtime_(runtime), graph_(graph), options_(options), tuner_(tuner) {}

    Result<TunerReport> run() {
        SAC_TRY(find_problems());
        for (int pass = 0; pass < tuner_.passes && !report_.stopped; ++pass) SAC_TRY(measure_candidates(pass));
        const Picks picks = winners(report_.stopped ? unconfirmed_gain : tuner_.least_gain);
        if (report_.stopped)
            take(picks);
        else
            SAC_TRY(compare(picks));
        return std::move(report_);
    }

private:
    using Picks = std::vector<size_t>;  // a candidate for each problem

    std::vector<TunedProblem> &problems() { return report_.problems; }

    Picks expected() {
        Picks picks;
        for (const TunedProblem &problem : problems()) picks.push_back(problem.expected);
        return picks;
    }

    void take(const Picks &picks) {
        for (size_t p = 0; p < picks.size(); ++p) problems()[p].winner = picks[p];
    }

    Status find_problems() {
        SessionOptions options = options_;
        options.tuning.clear();
        SAC_ASSIGN(const Plan plan, make_plan(graph_, runtime_.device.caps(), *runtime_.kernels, options));
        for (const KernelChoice &choice : plan.choices) {
            if (choice.candidates.size() < 2) continue;
            const auto [at, is_new] = index_.try_emplace(choice.problem, problems().size());
            if (is_new) {
                TunedProblem problem{choice.problem, 0, {}, choice.taken, choice.taken};
                for (const std::string &name : choice.candidates) problem.candidates.push_back({name, 0});
                problems().push_back(std::move(problem));
                nested_.push_back(std::any_of(plan.choices.data(), &choice,
                                              [&](const KernelChoice &other) { return other.node == choice.node; }));
            }
            ++problems()[at->second].nodes;
        }
        for (const TunedProblem &problem : problems()) {
            dropped_.emplace_back(problem.candidates.size());
            least_.emplace_back(problem.candidates.size(), std::numeric_limits<double>::max());
        }
        return {};
    }

    Result<Subject> load(const Picks &picks, bool profile) {
        SessionOptions options = options_;
        options.profile = profile;
        options.tuning.clear();
        for (size_t p = 0; p < picks.size(); ++p)
            options.tuning[problems()[p].problem] = problems()[p].candidates[picks[p]].name;
        return Subject::load(runtime_, graph_, options);
    }

    bool goes_on() {
        TunerProgress progress = {done_, std::max(total_, done_), 0};
        const double took = seconds_since(start_);
        if (done_) progress.seconds_left = took / static_cast<double>(done_) * static_cast<double>(total_ - done_);
        progress.seconds_left = std::max(0.0, std::min(progress.seconds_left, tuner_.seconds - took));
        if (took > tuner_.seconds || (tuner_.progress && !tuner_.progress(progress))) report_.stopped = true;
        return !report_.stopped;
    }

    // The candidates of a problem that a pass measures; the expected one first.
    Picks contenders(size_t p, int pass) {
        const TunedProblem &problem = problems()[p];
        const double best = *std::min_element(least_[p].begin(), least_[p].end());
        Picks list;
        for (size_t i = 0; i < problem.candidates.size(); ++i) {
            const size_t c = (problem.expected + i) % problem.candidates.size();
            if (!dropped_[p][c] && (pass == 0 || least_[p][c] <= near_best * best)) list.push_back(c);
        }
        return list;
    }

    // What is a part of another problem's candidate is measured after that: where another candidate is taken it does
    // not occur.
    Status measure_candidates(int pass) {
        std::vector<Picks> lists;
        size_t rounds[2] = {};  // of whole problems, of parts
        for (size_t p = 0; p < problems().size(); ++p) {
            lists.push_back(contenders(p, pass));
            size_t &most = rounds[nested_[p]];
            most = std::max(most, lists.back().size());
        }
        for (size_t &count : rounds)
            if (pass > 0 && count < 2) count = 0;
        total_ = done_ + (rounds[0] + rounds[1]) * static_cast<size_t>(tuner_.passes - pass) + plans_to_compare;
        for (const bool nested : {false, true}) {
            for (size_t round = 0; round < rounds[nested] && !report_.stopped; ++round) {
                Picks picks = expected();
                for (size_t p = 0; p < picks.size(); ++p)
                    if (nested_[p] == nested && !lists[p].empty()) picks[p] = lists[p][round % lists[p].size()];
                SAC_TRY(measure(picks));
                ++done_;
            }
        }
        return {};
    }

    // Where a plan cannot be loaded, halves of its unusual candidates are tried until those that cannot be are found.
    Status measure(const Picks &picks) {
        auto subject = load(picks, true);
        if (!subject.ok()) {
            if (subject.error().code == Code::device_lost || picks == expected()) return std::move(subject).error();
            std::vector<size_t> unusual;
            for (size_t p = 0; p < picks.size(); ++p)
                if (picks[p] != problems()[p].expected) unusual.push_back(p);
            if (unusual.size() == 1) {
                dropped_[unusual[0]][picks[unusual[0]]] = true;
                return {};
            }
            for (size_t half = 0; half < 2 && goes_on(); ++half) {
                Picks fewer = expected();
                for (size_t i = half; i < unusual.size(); i += 2) fewer[unusual[i]] = picks[unusual[i]];
                SAC_TRY(measure(fewer));
            }
            return {};
        }
        std::vector<std::vector<double>> times(problems().size());
        SAC_TRY(run_timed(*subject, times, tuner_.runs));
        for (const KernelChoice &choice : subject->choices()) {
            const auto found = index_.find(choice.problem);
            if (found == index_.end() || times[found->second].empty()) continue;
            double &known = problems()[found->second].candidates[choice.taken].nanoseconds;
            const double took = median(times[found->second]);
            if (known == 0 || took < known) known = took;
            double &least = least_[found->second][choice.taken];
            least = std::min(least, *std::min_element(times[found->second].begin(), times[found->second].end()));
        }
        return {};
    }

    // One run, of which each problem's mean over its nodes is appended to `times`. A problem may not occur in a plan,
    // or share its node with the candidate of another that it is a part of.
    Status time_problems(Subject &subject, std::vector<std::vector<double>> &times) {
        SAC_ASSIGN(const std::vector<double> nanoseconds, subject.run_timed());
        std::vector<double> sums(problems().size()), counts(problems().size());
        for (const KernelChoice &choice : subject.choices()) {
            const auto found = index_.find(choice.problem);
            if (found == index_.end()) continue;
            sums[found->second] += nanoseconds[choice.node];
            ++counts[found->second];
        }
        for (size_t p = 0; p < sums.size(); ++p)
            if (counts[p] > 0) times[p].push_back(sums[p] / counts[p]);
        return {};
    }

    Status run_timed(Subject &subject, std::vector<std::vector<double>> &times, int runs) {
        const auto start = Clock::now();
        for (int run = 0; run <= runs && goes_on(); ++run) {
            if (run > 0 && seconds_since(start) > tuner_.plan_seconds) break;
            if (run == 1)
                for (auto &list : times) list.clear();  // the first run warms up
            SAC_TRY(time_problems(subject, times));
        }
        return {};
    }

    Picks winners(double gain) {
        Picks picks = expected();
        for (size_t p = 0; p < picks.size(); ++p) {
            const TunedProblem &problem = problems()[p];
            double least = problem.candidates[problem.expected].nanoseconds * (1 - gain);
            for (size_t c = 0; c < problem.candidates.size(); ++c) {
                const double took = problem.candidates[c].nanoseconds;
                if (took > 0 && took < least) least = took, picks[p] = c;
            }
        }
        return picks;
    }

    // Two plans in turns, so that both meet the machine's slow and fast minutes. The first run of each warms up.
    template <class Run>
    Status alternate(const Run &run_one) {
        const auto start = Clock::now();
        for (int i = 0; i <= 2 * tuner_.runs && goes_on(); ++i) {
            if (i > 2 && seconds_since(start) > 2 * tuner_.plan_seconds) break;
            for (const bool first : {true, false}) SAC_TRY(run_one(first, i));
        }
        return {};
    }

    Status compare(Picks picks) {
        done_ = total_ - plans_to_compare;
        if (picks != expected()) SAC_TRY(confirm(picks));
        if (report_.stopped) {
            take(winners(unconfirmed_gain));
            return {};
        }
        done_ = total_ - plans_to_compare / 2;
        SAC_ASSIGN(Subject usual, load(expected(), false));
        std::vector<double> times[2];
        std::optional<Subject> tuned;
        if (picks != expected()) {
            auto loaded = load(picks, false);
            if (loaded.ok())
                tuned = std::move(*loaded);
            else
                picks = expected();
        }
        const auto run_one = [&](bool first, int i) -> Status {
            if (!first && !tuned) return {};
            const auto start = Clock::now();
            SAC_TRY((first ? usual : *tuned).run());
            if (i > 0) times[first ? 0 : 1].push_back(seconds_since(start) * 1e9);
            return {};
        };
        SAC_TRY(alternate(run_one));
        report_.expected_ns = report_.tuned_ns = median(times[0]);
        if (tuned) report_.tuned_ns = median(times[1]);
        if (report_.tuned_ns > report_.expected_ns * (1 + tuner_.least_gain)) {  // each wins, but not together
            picks = expected();
            report_.tuned_ns = report_.expected_ns;
        }
        take(picks);
        return {};
    }

    // Both plans at once; what does not win there goes back to the expected candidate.
    Status confirm(Picks &picks) {
        SAC_ASSIGN(Subject usual, load(expected(), true));
        auto loaded = load(picks, true);
        if (!loaded.ok()) {
            if (loaded.error().code == Code::device_lost) return std::move(loaded).error();
            report_.stopped = true;  // no memory for both
            return {};
        }
        std::vector<std::vector<double>> times[2];
        for (auto &list : times) list.resize(problems().size());
        const auto run_one = [&](bool first, int i) -> Status {
            auto &mine = times[first ? 0 : 1];
            if (i == 1)
                for (auto &list : mine) list.clear();
            return time_problems(first ? usual : *loaded, mine);
        };
        SAC_TRY(alternate(run_one));
        if (report_.stopped) return {};
        for (size_t p = 0; p < picks.size(); ++p) {
            TunedProblem &problem = problems()[p];
            if (picks[p] == problem.expected || times[0][p].empty() || times[1][p].empty()) continue;
            double &usual_ns = problem.candidates[problem.expected].nanoseconds;
            double &tuned_ns = problem.candidates[picks[p]].nanoseconds;
            usual_ns = median(times[0][p]);
            tuned_ns = median(times[1][p]);
            if (tuned_ns > usual_ns * (1 - tuner_.least_gain)) picks[p] = problem.expected;
        }
        return {};
    }

    Runtime &runtime_;
    const Graph &graph_;
    const SessionOptions &options_;
    const TunerOptions &tuner_;
    TunerReport report_;
    std::map<std::string, size_t, std::less<>> index_;  // of report_.problems
    std::vector<bool> nested_;                          // by problem: a part of the expected candidate of another
    std::vector<std::vector<bool>> dropped_;            // by problem and candidate: cannot be loaded
    std::vector<std::vector<double>> least_;            // nanoseconds of the shortest run
    Clock::time_point start_ = Clock::now();
    size_t done_ = 0, total_ = 0;
};

}  // namespace

Tuning TunerReport::winners() const {
    Tuning tuning;
    for (const TunedProblem &problem : problems) {
        const auto measured = std::count_if(problem.candidates.begin(), problem.candidates.end(),
                                            [](const auto &candidate) { return candidate.nanoseconds > 0; });
        if (measured < 2 || (stopped && problem.winner == problem.expected)) continue;
        tuning[problem.problem] = problem.candidates[problem.winner].name;
    }
    return tuning;
}

Result<TunerReport> tune(Runtime &runtime, const Graph &graph, const SessionOptions &options,
                         const TunerOptions &tuner) {
    return Tuner(runtime, graph, options, tuner).run();
}

}  // namespace sac
