#include "common/io/host_load.h"

#include <unistd.h>
#include <cstdlib>

#include <algorithm>

namespace banyan::io {

tree::HostLoad read_host_load() {
  tree::HostLoad load;
  double averages[3] = {0, 0, 0};
  if (::getloadavg(averages, 3) == 3) {
    load.load_1m = averages[0];
    load.load_5m = averages[1];
    load.load_15m = averages[2];
  }
  load.cpus = static_cast<unsigned>(std::max(::sysconf(_SC_NPROCESSORS_ONLN), 0L));
  return load;
}

}  // namespace banyan::io
