// pawk8s-image: one static program as a container image, without any container tool.
//
//   pawk8s-image PROGRAM FOLDER     writes FOLDER as an OCI image layout
//
// The image is one layer with that program at "/<name>", which is its entrypoint. Nothing in it
// depends on when, where or by whom it was made: the same program gives the same digest.
#include <fmt/format.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "nlohmann/json.hpp"
#include "pawk8s/base/status.h"
#include "pawk8s/net/digest.h"

namespace pawk8s {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr std::size_t kBlock = 512;

#if defined(__aarch64__)
constexpr const char* kArchitecture = "arm64";
#elif defined(__x86_64__)
constexpr const char* kArchitecture = "amd64";
#else
#error "name this architecture as Go's GOARCH does"
#endif

// POSIX ustar.
struct TarHeader {
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char link[100];
  char magic[6];
  char version[2];
  char user[32];
  char group[32];
  char major[8];
  char minor[8];
  char prefix[155];
  char padding[12];
};
static_assert(sizeof(TarHeader) == kBlock);

template <std::size_t N>
void Put(char (&field)[N], const std::string& text) {
  std::memcpy(field, text.data(), std::min(N, text.size()));
}

// One file of mode 0755 that belongs to root and was changed in 1970.
std::string Tar(const std::string& name, const std::string& content) {
  TarHeader header{};
  Put(header.name, name);
  Put(header.mode, "0000755");
  Put(header.uid, "0000000");
  Put(header.gid, "0000000");
  Put(header.size, fmt::format("{:011o}", content.size()));
  Put(header.mtime, "00000000000");
  Put(header.checksum, "        ");
  header.type = '0';
  std::memcpy(header.magic, "ustar", 6);
  std::memcpy(header.version, "00", 2);
  const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
  unsigned sum = 0;
  for (std::size_t i = 0; i < sizeof header; ++i) sum += bytes[i];
  Put(header.checksum, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  std::string tar(reinterpret_cast<const char*>(&header), sizeof header);
  tar += content;
  tar.resize((tar.size() + kBlock - 1) / kBlock * kBlock);
  return tar + std::string(2 * kBlock, '\0');
}

absl::Status Write(const fs::path& path, const std::string& content) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  std::ofstream file(path, std::ios::binary);
  file << content;
  return file.flush() ? absl::OkStatus()
                      : absl::UnavailableError(fmt::format("cannot write {}", path.string()));
}

class Layout {
 public:
  explicit Layout(fs::path folder) : folder_(std::move(folder)) {}

  // Stores a blob and returns its descriptor.
  absl::StatusOr<Json> Add(const std::string& media_type, const std::string& content) {
    const std::string digest = net::Sha256Hex(content);
    RETURN_IF_ERROR(Write(folder_ / "blobs" / "sha256" / digest, content));
    return Json{
        {"mediaType", media_type}, {"digest", "sha256:" + digest}, {"size", content.size()}};
  }
  absl::Status Finish(const Json& manifest) {
    const Json index = {{"schemaVersion", 2},
                        {"mediaType", "application/vnd.oci.image.index.v1+json"},
                        {"manifests", Json::array({manifest})}};
    RETURN_IF_ERROR(Write(folder_ / "index.json", index.dump()));
    return Write(folder_ / "oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  }

 private:
  fs::path folder_;
};

absl::Status MakeImage(const fs::path& program, const fs::path& folder) {
  std::ifstream file(program, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  if (!file) return absl::NotFoundError(fmt::format("cannot read {}", program.string()));
  const std::string name = program.filename().string();
  if (name.size() >= sizeof TarHeader::name) {
    return absl::InvalidArgumentError(name + " is too long a name");
  }
  // Not compressed: its digest must not depend on a compressor's version.
  const std::string tar = Tar(name, content.str());
  const Json config = {
      {"architecture", kArchitecture},
      {"os", "linux"},
      {"created", "1970-01-01T00:00:00Z"},
      {"config", {{"Entrypoint", {"/" + name}}, {"WorkingDir", "/"}}},
      {"rootfs",
       {{"type", "layers"}, {"diff_ids", Json::array({"sha256:" + net::Sha256Hex(tar)})}}}};
  fs::remove_all(folder);
  Layout layout(folder);
  ASSIGN_OR_RETURN(const Json layer, layout.Add("application/vnd.oci.image.layer.v1.tar", tar));
  ASSIGN_OR_RETURN(const Json configured,
                   layout.Add("application/vnd.oci.image.config.v1+json", config.dump()));
  const Json manifest = {{"schemaVersion", 2},
                         {"mediaType", "application/vnd.oci.image.manifest.v1+json"},
                         {"config", configured},
                         {"layers", Json::array({layer})}};
  ASSIGN_OR_RETURN(Json described,
                   layout.Add("application/vnd.oci.image.manifest.v1+json", manifest.dump()));
  described["platform"] = {{"architecture", kArchitecture}, {"os", "linux"}};
  return layout.Finish(described);
}

}  // namespace
}  // namespace pawk8s

int main(int argc, char** argv) {
  CLI::App app("One static program as a container image (OCI layout)");
  std::string program;
  std::string folder;
  app.add_option("program", program)->required();
  app.add_option("folder", folder)->required();
  CLI11_PARSE(app, argc, argv);
  const absl::Status made = pawk8s::MakeImage(program, folder);
  if (made.ok()) return 0;
  fmt::print(stderr, "pawk8s-image: {}\n", pawk8s::MessageOf(made));
  return 1;
}
