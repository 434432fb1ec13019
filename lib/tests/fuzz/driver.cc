// Feeds a fuzz target with mutations of its seeds until the time is over.
//
//   fuzz_profile [--seconds N] [--seed N] SEED_FILE_OR_FOLDER...
//
// Inputs that reach a result not seen before (the target's return value: 0 to 255) join the pool.
// A crash leaves the input in ./crash-<target>, and the sanitizer's report on the standard error.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

constexpr std::size_t kMaxInput = 8192;
constexpr std::size_t kMaxPool = 512;

std::string g_input;  // the one under way
std::string g_crash_file;

void SaveCrash() {
  std::FILE* file = std::fopen(g_crash_file.c_str(), "wb");
  if (file == nullptr) return;
  std::fwrite(g_input.data(), 1, g_input.size(), file);
  std::fclose(file);
}

extern "C" void OnSignal(int number) {
  SaveCrash();
  signal(number, SIG_DFL);
  raise(number);
}

std::vector<std::string> ReadSeeds(const std::vector<std::string>& paths) {
  std::vector<std::string> seeds;
  const auto read = [&](const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    seeds.push_back(text.str());
  };
  for (const std::string& path : paths) {
    if (!std::filesystem::is_directory(path)) {
      read(path);
      continue;
    }
    std::set<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(path)) files.insert(entry.path());
    for (const auto& file : files) read(file);
  }
  if (seeds.empty()) seeds.emplace_back();
  return seeds;
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::string Mutate(const std::vector<std::string>& pool) {
    std::string text = pool[Below(pool.size())];
    for (std::size_t rounds = 1 + Below(8); rounds > 0; --rounds) Once(text, pool);
    if (text.size() > kMaxInput) text.resize(kMaxInput);
    return text;
  }

 private:
  std::size_t Below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  // A stretch of `text`: begin and length.
  std::pair<std::size_t, std::size_t> Stretch(const std::string& text) {
    const std::size_t at = Below(text.size() + 1);
    return {at, Below(std::min<std::size_t>(text.size() - at, 64) + 1)};
  }

  void Once(std::string& text, const std::vector<std::string>& pool) {
    // What grammars of YAML and JSON turn on, and numbers at the edge.
    static constexpr std::array<std::string_view, 40> kWords = {"{",
                                                                "}",
                                                                "[",
                                                                "]",
                                                                ":",
                                                                ",",
                                                                "\"",
                                                                "'",
                                                                "\n",
                                                                "  ",
                                                                "- ",
                                                                ": ",
                                                                "&a ",
                                                                "*a",
                                                                "!!int ",
                                                                "!",
                                                                "|\n",
                                                                ">\n",
                                                                "---\n",
                                                                "...\n",
                                                                "? ",
                                                                "# ",
                                                                "null",
                                                                "~",
                                                                "true",
                                                                "-1",
                                                                "0",
                                                                "9223372036854775807",
                                                                "9223372036854775808",
                                                                "18446744073709551616",
                                                                "1e999",
                                                                "\\u0000",
                                                                "\\ud800",
                                                                "\t",
                                                                "\r\n",
                                                                "<<: ",
                                                                "${X}",
                                                                "data:",
                                                                "%",
                                                                "\xff\xfe"};
    const auto [at, length] = Stretch(text);
    switch (Below(8)) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(at, kWords[Below(kWords.size())]);
        break;
      case 2:
        text.replace(at, std::min<std::size_t>(length, 8), kWords[Below(kWords.size())]);
        break;
      case 3:
        if (!text.empty()) text[Below(text.size())] = static_cast<char>(Below(256));
        break;
      case 4:
        if (!text.empty()) {
          char& c = text[Below(text.size())];
          c = static_cast<char>(static_cast<unsigned char>(c) ^ (1u << Below(8)));
        }
        break;
      case 5:  // a stretch again, elsewhere
        text.insert(Below(text.size() + 1), text.substr(at, length));
        break;
      case 6: {  // the end of another one
        const std::string& other = pool[Below(pool.size())];
        text = text.substr(0, at) + other.substr(Below(other.size() + 1));
        break;
      }
      default:  // depth
        text.insert(at, std::string(1 + Below(2000), Below(2) == 0 ? '[' : '{'));
    }
  }

  std::mt19937_64 random_;
};

std::uint64_t Number(const char* text) {
  std::uint64_t number = 0;
  std::from_chars(text, text + std::strlen(text), number);
  return number;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seconds = 60;
  std::uint64_t seed = std::random_device()();
  std::vector<std::string> paths;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--seconds" && i + 1 < argc) {
      seconds = Number(argv[++i]);
    } else if (argument == "--seed" && i + 1 < argc) {
      seed = Number(argv[++i]);
    } else {
      paths.emplace_back(argument);
    }
  }
  g_crash_file = "crash-" + std::filesystem::path(argv[0]).filename().string();
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(SaveCrash);
  for (const int number : {SIGABRT, SIGSEGV, SIGFPE, SIGBUS}) signal(number, OnSignal);

  std::vector<std::string> pool = ReadSeeds(paths);
  Mutator mutator(seed);
  std::map<int, int> results;
  std::uint64_t runs = 0;
  const auto run = [&](std::string input) {
    g_input = std::move(input);
    ++runs;
    return LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(g_input.data()),
                                  g_input.size());
  };
  for (const std::string& input : pool) ++results[run(input)];
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (std::chrono::steady_clock::now() < end) {
    const int result = run(mutator.Mutate(pool));
    // Few of each result are kept, so that the pool stays various.
    if (++results[result] <= 16 && pool.size() < kMaxPool) pool.push_back(g_input);
  }
  std::printf("%s: %llu inputs, %zu different results, seed %llu, no crash\n", argv[0],
              static_cast<unsigned long long>(runs), results.size(),
              static_cast<unsigned long long>(seed));
  return 0;
}
