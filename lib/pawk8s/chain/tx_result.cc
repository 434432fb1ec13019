#include "pawk8s/chain/tx_result.h"

#include <algorithm>

namespace pawk8s::chain {

const std::string* Event::Find(std::string_view name) const {
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [&](const auto& attribute) { return attribute.first == name; });
  return found == attributes.end() ? nullptr : &found->second;
}

const Event* TxResult::Find(std::string_view type) const {
  const auto found = std::find_if(events.begin(), events.end(),
                                  [&](const Event& event) { return event.type == type; });
  return found == events.end() ? nullptr : &*found;
}

}  // namespace pawk8s::chain
