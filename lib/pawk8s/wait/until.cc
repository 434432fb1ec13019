#include "pawk8s/wait/until.h"

namespace pawk8s {

Pause Every(Millis interval, Clock& clock) {
  return [interval, &clock](const Deadline& deadline) { clock.Sleep(interval, deadline); };
}

bool IsRetryable(const absl::Status& error) {
  return absl::IsUnavailable(error) || absl::IsResourceExhausted(error) ||
         absl::IsDeadlineExceeded(error);
}

}  // namespace pawk8s
