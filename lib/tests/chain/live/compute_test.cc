// A compute job from its request to its payment, between two accounts made for it.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "chain/live/live_test.h"
#include "paw/compute/v1/tx.pb.h"

namespace pawk8s::chain {
namespace {

using paw::compute::v1::MsgDeactivateProvider;
using paw::compute::v1::MsgRegisterProvider;
using paw::compute::v1::MsgSubmitRequest;
using paw::compute::v1::MsgSubmitRequestResponse;
using paw::compute::v1::MsgSubmitResult;

constexpr TxError kNotAssigned{"compute", 70};
constexpr TxError kCompleted{"compute", 22};

constexpr std::uint64_t kFunds = 10'000'000, kStake = 1'000'000, kMaxPayment = 150;
// 1000 thousandths of a core at 6upaw an hour for each of them, for a minute.
constexpr std::uint64_t kPrice = 100;

class LiveCompute : public LiveTest {
 protected:
  static MsgRegisterProvider Registration(const Key& provider) {
    MsgRegisterProvider message;
    message.set_provider(provider.Address());
    message.set_moniker("cloud");
    message.set_endpoint("https://cloud.example");
    message.mutable_available_specs()->set_cpu_cores(4000);
    message.mutable_available_specs()->set_memory_mb(4096);
    message.mutable_pricing()->set_cpu_price_per_mcore_hour("6000000000000000000");  // 6
    message.mutable_pricing()->set_memory_price_per_mb_hour("0");
    message.mutable_pricing()->set_gpu_price_per_hour("0");
    message.mutable_pricing()->set_storage_price_per_gb_hour("0");
    message.set_stake(std::to_string(kStake));
    return message;
  }

  static MsgSubmitRequest Request(const Key& requester, const Key& provider) {
    MsgSubmitRequest message;
    message.set_requester(requester.Address());
    message.set_preferred_provider(provider.Address());
    message.mutable_specs()->set_cpu_cores(1000);
    message.mutable_specs()->set_memory_mb(512);
    message.mutable_specs()->set_timeout_seconds(60);
    message.set_container_image("job:1");
    message.set_max_payment(std::to_string(kMaxPayment));
    return message;
  }

  [[nodiscard]] Json RequestAt(std::uint64_t id, Height height) {
    return Must(chain().Rest(fmt::format("/paw/compute/v1/requests/{}", id), height))["request"];
  }
};

TEST_F(LiveCompute, JobIsAssignedFinishedAndPaid) {
  const Key provider = NewAccount(kFunds), requester = NewAccount(kFunds);
  const std::vector<MetricsPage> pages = Must(chain().MetricsOfAll(chain().seen()));

  const TxFate registered = Must(chain().Send(provider, Paying(Registration(provider))));
  ASSERT_THAT(registered, Succeeded());
  EXPECT_EQ(Gain(provider, kFeeDenom, registered), -Amount(kStake + kFee));
  EXPECT_THAT(EventOf(registered, "compute_provider_registered"),
              Says("provider", provider.Address()));

  const TxFate requested = Must(chain().Send(requester, Paying(Request(requester, provider))));
  ASSERT_THAT(requested, Succeeded());
  EXPECT_EQ(Gain(requester, kFeeDenom, requested), -Amount(kMaxPayment + kFee));
  const std::uint64_t id =
      Must(ResponseOf<MsgSubmitRequestResponse>(requested.result, 0)).request_id();
  const std::string number = std::to_string(id);
  EXPECT_THAT(EventOf(requested, "compute_escrow_created"), Says("request_id", number));
  EXPECT_THAT(EventOf(requested, "compute_escrow_created"),
              Says("amount", std::to_string(kMaxPayment)));
  const BlockEvent accepted =
      Must(chain().AwaitEvent(requested.height, "compute_request_accepted", "request_id", number));
  EXPECT_EQ(accepted.height, requested.height);  // by the end of its block
  EXPECT_THAT(accepted.event, Says("provider", provider.Address()));
  EXPECT_THAT(accepted.event, Says("payment", std::to_string(kPrice)));
  EXPECT_EQ(RequestAt(id, requested.height)["status"], "REQUEST_STATUS_ASSIGNED");
  EXPECT_EQ(RequestAt(id, requested.height)["escrowed_amount"], std::to_string(kMaxPayment));

  MsgSubmitResult result;
  result.set_provider(requester.Address());
  result.set_request_id(id);
  result.set_output_hash(std::string(64, 'a'));
  result.set_output_url("https://out.example/1");
  EXPECT_THAT(Must(chain().Send(requester, Paying(result))), FailedWith(kNotAssigned));
  result.set_provider(provider.Address());
  const TxFate finished = Must(chain().Send(provider, Paying(result)));
  ASSERT_THAT(finished, Succeeded());
  EXPECT_THAT(EventOf(finished, "compute_result"), Says("request_id", number));
  EXPECT_THAT(EventOf(finished, "compute_result"), Says("status", "REQUEST_STATUS_COMPLETED"));
  EXPECT_EQ(RequestAt(id, finished.height)["status"], "REQUEST_STATUS_COMPLETED");
  EXPECT_EQ(Gain(provider, kFeeDenom, finished), -Amount(kFee));  // paid after a delay
  EXPECT_THAT(Must(chain().Send(provider, Paying(result))), FailedWith(kCompleted));

  const BlockEvent released =
      Must(chain().AwaitEvent(finished.height, "compute_escrow_released", "request_id", number));
  EXPECT_THAT(released.event, Says("amount", std::to_string(kPrice)));
  const auto gain = [&](const Key& key) -> Amount {
    return Balance(key, kFeeDenom, released.height) - Balance(key, kFeeDenom, released.height + -1);
  };
  EXPECT_EQ(gain(provider), Amount(kPrice));
  EXPECT_EQ(gain(requester), Amount(kMaxPayment - kPrice));
  EXPECT_EQ(RequestAt(id, released.height)["escrowed_amount"], "0");

  MsgDeactivateProvider leave;
  leave.set_provider(provider.Address());
  const TxFate left = Must(chain().Send(provider, Paying(leave)));
  ASSERT_THAT(left, Succeeded());
  EXPECT_EQ(Gain(provider, kFeeDenom, left), Amount(kStake) - kFee);

  for (std::size_t i = 0; i < chain().validators(); ++i) {
    const MetricsPage page = Must(chain().Metrics(i, left.height));
    const auto counted = [&](const std::string& series) {
      return page.Value("paw_compute_" + series) - pages[i].Value("paw_compute_" + series);
    };
    EXPECT_EQ(counted(R"(jobs_submitted_total{job_type="cpu"})"), 1);
    EXPECT_EQ(counted(fmt::format(R"(jobs_accepted_total{{provider="{}"}})", provider.Address())),
              1);
    EXPECT_EQ(counted(fmt::format(R"(jobs_completed_total{{provider="{}",status="success"}})",
                                  provider.Address())),
              1);
    EXPECT_EQ(counted(R"(escrow_locked_total{denom="upaw"})"), kMaxPayment);
    EXPECT_EQ(counted(R"(escrow_released_total{denom="upaw"})"), kPrice);
    EXPECT_EQ(counted(R"(escrow_refunded_total{denom="upaw"})"), kMaxPayment - kPrice);
    EXPECT_EQ(counted(R"(escrow_balance{denom="upaw"})"), 0);
    EXPECT_EQ(counted("providers_active"), 0);
  }
}

}  // namespace
}  // namespace pawk8s::chain
