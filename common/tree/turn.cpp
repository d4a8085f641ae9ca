#include "common/tree/turn.h"

#include "common/base/text.h"

namespace banyan::tree {

v1::NodeFact node_fact(const Identity& identity, const std::map<std::string, std::string>& labels) {
  v1::NodeFact fact;
  fact.set_role(identity.role);
  fact.set_name(identity.name);
  fact.set_instance(identity.instance);
  *fact.mutable_boot() = identity.boot;
  fact.set_version(identity.version);
  fact.set_host(visible(identity.host));
  fact.set_started_ms(identity.boot.start_ms());
  for (const auto& [key, value] : labels) (*fact.mutable_labels())[key] = visible(value);
  return fact;
}

}  // namespace banyan::tree
