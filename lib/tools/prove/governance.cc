#include "prove/governance.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/kube/exec.h"
#include "pawk8s/kube/port_forward.h"
#include "pawk8s/net/digest.h"
#include "pawk8s/net/http.h"
#include "pawk8s/wait/until.h"

namespace pawk8s::prove {
namespace {

using nlohmann::json;

constexpr int kRestPort = 1317;
constexpr const char* kHome = "/tmp/pawk8s-gov";

struct Account {
  std::string name;
  std::string mnemonic;
};

// One validator's pod as a client of the chain.
class Wallet {
 public:
  Wallet(Site& site, const json& args)
      : site_(site),
        ns_(site.paw.profile().ns),
        pod_(site.paw.profile().validators.name + "-0"),
        container_(args.value("container", site.paw.profile().validators.container)),
        secret_(args.value("secret", "paw-accounts")),
        http_(FromFullNode(site)) {}

  // The key files go with it, also after an error.
  ~Wallet() {
    if (!unlocked_) return;
    IgnoreError(Run({"rm", "-rf", kHome}, "", Site::Soon()).status(),
                "the folder is in the pod's own /tmp");
  }
  Wallet(const Wallet&) = delete;
  Wallet& operator=(const Wallet&) = delete;

  absl::StatusOr<json> Get(const std::string& path, const Deadline& deadline) {
    ASSIGN_OR_RETURN(const net::HttpResponse answer, http_.Send({.url = "http://full-node" + path},
                                                                deadline.AtMost(Site::kRequest)));
    json body = json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
    if (answer.status == 404) return absl::NotFoundError(path + ": not found");
    if (answer.status != 200 || !body.is_object()) {
      return absl::UnavailableError(fmt::format("GET {} from a full node: {}: {}", path,
                                                answer.status, answer.body.substr(0, 200)));
    }
    return body;
  }

  // Puts the operators' keys into a keyring in the pod.
  absl::Status Unlock(const Deadline& deadline) {
    ASSIGN_OR_RETURN(const kube::Object secret,
                     site_.paw.kube().Get({kube::kSecrets, ns_, secret_}, deadline));
    unlocked_ = true;
    RETURN_IF_ERROR(Run({"mkdir", "-p", kHome}, "", deadline).status());
    for (const auto& [file, encoded] : kube::FindMap(secret.json(), {"data"})) {
      if (!file.starts_with("validator-")) continue;
      ASSIGN_OR_RETURN(const std::string text, net::Base64Decode(encoded));
      const json account = json::parse(text, nullptr, /*allow_exceptions=*/false);
      const auto name = kube::FindString(account, {"name"});
      const auto mnemonic = kube::FindString(account, {"mnemonic"});
      if (!name || !mnemonic) {
        return absl::DataLossError(fmt::format("Secret {}: {} is no account", secret_, file));
      }
      ASSIGN_OR_RETURN(const kube::ExecResult added,
                       Pawd({"keys", "add", *name, "--recover"}, *mnemonic + "\n", deadline));
      if (added.exit_code != 0) {
        return absl::UnavailableError(fmt::format("key {}: {}", *name, added.err));
      }
      operators_.push_back(*name);
    }
    if (!operators_.empty()) return absl::OkStatus();
    return absl::NotFoundError(fmt::format("Secret {} holds no validator's account", secret_));
  }

  [[nodiscard]] const std::vector<std::string>& operators() const { return operators_; }

  // Returns when the transaction is in a block and was accepted: its answer.
  absl::StatusOr<json> Send(std::vector<std::string> argv, const std::string& from,
                            const std::string& fees, const Deadline& deadline) {
    const std::string what = fmt::format("{} by {}", fmt::join(argv, " "), from);
    argv.insert(argv.begin(), "tx");
    for (const std::string& arg :
         {std::string("--from"), from, std::string("--chain-id"), chain_id_, std::string("--fees"),
          fees, std::string("--gas"), std::string("500000"), std::string("--node"),
          fmt::format("tcp://127.0.0.1:{}", site_.paw.profile().ports.rpc), std::string("--yes"),
          std::string("--output"), std::string("json")}) {
      argv.push_back(arg);
    }
    ASSIGN_OR_RETURN(const kube::ExecResult sent, Pawd(std::move(argv), "", deadline));
    const json answer =
        json::parse(sent.out.substr(std::min(sent.out.find('{'), sent.out.size())), nullptr, false);
    const auto hash = kube::FindString(answer, {"txhash"});
    if (sent.exit_code != 0 || !hash || answer.value("code", 0) != 0) {
      return absl::FailedPreconditionError(fmt::format(
          "{}: {}{}", what, answer.is_object() ? answer.value("raw_log", "") : "", sent.err));
    }
    const auto report = Until(
        deadline, Every(Millis{300}),
        [&](const Deadline& d) -> absl::StatusOr<json> {
          auto tx = Get("/cosmos/tx/v1beta1/txs/" + *hash, d);
          if (absl::IsNotFound(tx.status())) return absl::UnavailableError("not in a block yet");
          return tx;
        },
        [](const json&) { return true; });
    RETURN_IF_ERROR(Annotate(report.status, what));
    const json& tx = report.last->at("tx_response");
    if (tx.value("code", 0) == 0) return tx;
    return absl::FailedPreconditionError(fmt::format("{}: {}", what, tx.value("raw_log", "")));
  }

  absl::Status LearnChain(const Deadline& deadline) {
    ASSIGN_OR_RETURN(const json info, Get("/cosmos/base/tendermint/v1beta1/node_info", deadline));
    chain_id_ = kube::FindString(info, {"default_node_info", "network"}).value_or("");
    return chain_id_.empty() ? absl::DataLossError("node_info names no network") : absl::OkStatus();
  }

  absl::Status WriteFile(const std::string& path, const std::string& text,
                         const Deadline& deadline) {
    ASSIGN_OR_RETURN(const kube::ExecResult ran,
                     Run({"sh", "-c", R"(cat >"$0")", path}, text, deadline));
    if (ran.exit_code == 0) return absl::OkStatus();
    return absl::UnavailableError(fmt::format("{}: {}", path, ran.err));
  }

 private:
  // Full nodes answer: validators need not have an index of transactions.
  static net::HttpOptions FromFullNode(Site& site) {
    net::HttpOptions options;
    options.dial =
        [&site](const Deadline& deadline) -> absl::StatusOr<std::unique_ptr<net::Conduit>> {
      const Profile& profile = site.paw.profile();
      ASSIGN_OR_RETURN(const WorkloadState nodes, site.paw.Read(profile.nodes, deadline));
      const std::vector<kube::Pod> ready = nodes.ReadyPods();
      if (ready.empty()) return absl::UnavailableError("no full node is Ready");
      return kube::DialPod(site.paw.kube(), profile.ns, ready.front().name(), kRestPort)(deadline);
    };
    return options;
  }

  absl::StatusOr<kube::ExecResult> Pawd(std::vector<std::string> argv, const std::string& input,
                                        const Deadline& deadline) {
    argv.insert(argv.begin(), "pawd");
    for (const char* arg : {"--home", kHome, "--keyring-backend", "test"}) argv.emplace_back(arg);
    return Run(std::move(argv), input, deadline);
  }

  absl::StatusOr<kube::ExecResult> Run(std::vector<std::string> argv, const std::string& input,
                                       const Deadline& deadline) {
    return kube::Exec(site_.paw.kube(),
                      {.ns = ns_,
                       .pod = pod_,
                       .container = container_,
                       .argv = std::move(argv),
                       .input = input.empty() ? std::nullopt : std::optional(input)},
                      deadline);
  }

  Site& site_;
  const std::string ns_;
  const std::string pod_;
  const std::string container_;
  const std::string secret_;
  net::HttpClient http_;
  std::string chain_id_;
  std::vector<std::string> operators_;
  bool unlocked_ = false;
};

std::string ParametersPath(const json& args) {
  return fmt::format("/cosmos/{}/v1beta1/params", args.at("module").get<std::string>());
}

absl::StatusOr<json> ParametersFrom(Wallet& wallet, const json& args, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const json answer, wallet.Get(ParametersPath(args), deadline));
  if (answer.contains("params")) return answer.at("params");
  return absl::DataLossError(ParametersPath(args) + ": the answer has no params");
}

// The account in whose name proposals act.
absl::StatusOr<std::string> Authority(Wallet& wallet, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const json answer,
                   wallet.Get("/cosmos/auth/v1beta1/module_accounts/gov", deadline));
  const auto address = kube::FindString(answer, {"account", "base_account", "address"});
  if (address) return *address;
  return absl::DataLossError("the chain has no gov account");
}

struct Deposit {
  std::string amount;
  std::string denom;
};

absl::StatusOr<Deposit> MinimalDeposit(Wallet& wallet, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const json answer, wallet.Get("/cosmos/gov/v1/params/deposit", deadline));
  for (const json& coin : kube::FindList(answer, {"params", "min_deposit"})) {
    return Deposit{coin.value("amount", ""), coin.value("denom", "")};
  }
  return absl::DataLossError("the chain demands no deposit");
}

// The number that the chain has given to a proposal.
absl::StatusOr<std::string> ProposalIn(const json& tx) {
  for (const json& event : kube::FindList(tx, {"events"})) {
    if (event.value("type", "") != "submit_proposal") continue;
    for (const json& attribute : kube::FindList(event, {"attributes"})) {
      if (attribute.value("key", "") == "proposal_id") return attribute.value("value", "");
    }
  }
  return absl::DataLossError("the chain named no proposal");
}

absl::Status AwaitPassed(Wallet& wallet, const std::string& proposal, const Deadline& deadline) {
  const auto report = Until(
      deadline, Every(Millis{500}),
      [&](const Deadline& d) -> absl::StatusOr<std::string> {
        ASSIGN_OR_RETURN(const json answer, wallet.Get("/cosmos/gov/v1/proposals/" + proposal, d));
        const json& is = answer.at("proposal");
        return is.value("status", "") + " " + is.value("failed_reason", "");
      },
      [](const std::string& status) {
        return !status.starts_with("PROPOSAL_STATUS_VOTING_PERIOD") &&
               !status.starts_with("PROPOSAL_STATUS_DEPOSIT_PERIOD");
      });
  RETURN_IF_ERROR(Annotate(report.status, "proposal " + proposal));
  if (report.last->starts_with("PROPOSAL_STATUS_PASSED")) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format("proposal {}: {}", proposal, *report.last));
}

absl::StatusOr<bool> AnyJailed(Wallet& wallet, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const json answer, wallet.Get("/cosmos/staking/v1beta1/validators", deadline));
  for (const json& validator : kube::FindList(answer, {"validators"})) {
    if (validator.value("jailed", false)) return true;
  }
  return false;
}

absl::Status ReleaseJailed(Wallet& wallet, const std::string& fees, const Deadline& deadline) {
  const auto report = Until(
      deadline, Every(Millis{1000}),
      [&](const Deadline& d) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const bool jailed, AnyJailed(wallet, d));
        if (!jailed) return false;
        for (const std::string& name : wallet.operators()) {
          IgnoreError(wallet.Send({"slashing", "unjail"}, name, fees, d).status(),
                      "only the jailed ones can be released");
        }
        return AnyJailed(wallet, d);
      },
      [](bool jailed) { return !jailed; });
  return Annotate(report.status, "releasing jailed validators");
}

}  // namespace

absl::StatusOr<json> ReadParameters(Site& site, const json& args) {
  Wallet wallet(site, args);
  return ParametersFrom(wallet, args, Site::Soon());
}

absl::StatusOr<json> JailingAfter(const json& signing_infos, std::int64_t spare) {
  const auto number = [](const json& from, const char* key) {
    std::int64_t value = 0;
    // Zero is what the chain means by no number.
    if (!absl::SimpleAtoi(kube::FindString(from, {key}).value_or("0"), &value)) value = 0;
    return value;
  };
  std::int64_t age = 0;
  std::int64_t most_missed = 0;
  for (const json& info : kube::FindList(signing_infos, {"info"})) {
    age = std::max(age, number(info, "index_offset"));
    most_missed = std::max(most_missed, number(info, "missed_blocks_counter"));
  }
  // Nobody is jailed before a whole window has passed since he joined.
  const std::int64_t window = age - 10;
  if (most_missed + spare >= window) {
    return absl::FailedPreconditionError(
        fmt::format("a validator has missed {} of the chain's {} blocks: too many to tell {} more",
                    most_missed, age, spare));
  }
  // The chain multiplies the share with the window and rounds; it tells 18 digits.
  const double share =
      static_cast<double>(window - most_missed - spare) / static_cast<double>(window);
  return json{{"signed_blocks_window", std::to_string(window)},
              {"min_signed_per_window", fmt::format("{:.9f}000000000", share)}};
}

absl::StatusOr<json> JailingAfter(Site& site, const json& args, std::int64_t spare) {
  Wallet wallet(site, args);
  ASSIGN_OR_RETURN(const json infos,
                   wallet.Get("/cosmos/slashing/v1beta1/signing_infos", Site::Soon()));
  return JailingAfter(infos, spare);
}

absl::Status SetParameters(Site& site, const json& args, const json& parameters,
                           const Deadline& deadline) {
  Wallet wallet(site, args);
  RETURN_IF_ERROR(wallet.LearnChain(deadline));
  RETURN_IF_ERROR(wallet.Unlock(deadline));
  ASSIGN_OR_RETURN(const std::string authority, Authority(wallet, deadline));
  ASSIGN_OR_RETURN(const Deposit deposit, MinimalDeposit(wallet, deadline));
  const std::string fees = "10000" + deposit.denom;
  const auto module = args.at("module").get<std::string>();
  const json proposal = {
      {"messages",
       json::array(
           {{{"@type",
              args.value("message", fmt::format("/cosmos.{}.v1beta1.MsgUpdateParams", module))},
             {"authority", authority},
             {"params", parameters}}})},
      {"deposit", deposit.amount + deposit.denom},
      {"title", "parameters of " + module},
      {"summary", "parameters of " + module}};
  const std::string file = std::string(kHome) + "/proposal.json";
  RETURN_IF_ERROR(wallet.WriteFile(file, proposal.dump(), deadline));
  ASSIGN_OR_RETURN(const json submitted, wallet.Send({"gov", "submit-proposal", file},
                                                     wallet.operators().front(), fees, deadline));
  ASSIGN_OR_RETURN(const std::string number, ProposalIn(submitted));
  for (const std::string& name : wallet.operators()) {
    RETURN_IF_ERROR(wallet.Send({"gov", "vote", number, "yes"}, name, fees, deadline).status());
  }
  return AwaitPassed(wallet, number, deadline);
}

absl::Status RestoreParameters(Site& site, const json& args, const json& before,
                               const Deadline& deadline) {
  Wallet wallet(site, args);
  ASSIGN_OR_RETURN(const json now, ParametersFrom(wallet, args, deadline));
  if (now != before) RETURN_IF_ERROR(SetParameters(site, args, before, deadline));
  ASSIGN_OR_RETURN(const bool jailed, AnyJailed(wallet, deadline));
  if (!jailed) return absl::OkStatus();
  RETURN_IF_ERROR(wallet.LearnChain(deadline));
  RETURN_IF_ERROR(wallet.Unlock(deadline));
  ASSIGN_OR_RETURN(const Deposit deposit, MinimalDeposit(wallet, deadline));
  return ReleaseJailed(wallet, "10000" + deposit.denom, deadline);
}

}  // namespace pawk8s::prove
