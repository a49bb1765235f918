// Any bytes are either no archive or one within the limits, whose files, written again, are the
// same files. The token and claims of a provider archive are read as well.
#include <cstdint>
#include <cstdlib>

#include "artifact/archive_files.h"
#include "artifact/provider_archive.h"
#include "base/units.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trellis;
  using namespace trellis::artifact;
  const BytesView input(data, size);
  constexpr ArchiveLimits kLimits{.unpacked_bytes_max = 1_MiB, .files_max = 16};
  const auto all = [](std::string_view) { return true; };
  (void)read_provider_program(input, 0);

  const auto files = read_archive_files(input, all, kLimits);
  if (!files) return 0;
  std::size_t total = 0;
  for (const auto& file : *files) {
    total += file.bytes.size();
    if (file.name.find('/') != std::string::npos || file.name.find("..") != std::string::npos)
      std::abort();
  }
  if (files->size() > kLimits.files_max || total > kLimits.unpacked_bytes_max) std::abort();
  const auto again = write_archive_files(*files, size % 2 == 0);
  if (!again) std::abort();
  const auto back = read_archive_files(*again, all);
  if (!back || back->size() != files->size()) std::abort();
  for (std::size_t i = 0; i < files->size(); ++i) {
    if ((*back)[i].name != (*files)[i].name || (*back)[i].bytes != (*files)[i].bytes) std::abort();
  }
  return 0;
}
