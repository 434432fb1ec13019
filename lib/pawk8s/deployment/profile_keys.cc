#include "pawk8s/deployment/profile_keys.h"

namespace pawk8s {
namespace {

using Presence = ProfileKey::Presence;

TextValue Any(std::string& to) { return {&to, TextValue::Form::kAny}; }
TextValue Name(std::string& to) { return {&to, TextValue::Form::kName}; }
TextValue Path(std::string& to) { return {&to, TextValue::Form::kPath}; }

// Collects the table; each line of it is one of these calls.
struct Table {
  std::vector<ProfileKey> keys;

  void Group(std::string path, std::string about) {
    keys.push_back({.path = std::move(path), .about = std::move(about)});
  }
  void Required(std::string path, KeyTarget at, std::string about) {
    keys.push_back({std::move(path), at, std::move(about), Presence::kRequired});
  }
  void Named(std::string path, KeyTarget at, std::string about, std::string cases = "") {
    keys.push_back({std::move(path), at, std::move(about), Presence::kNamed, "", std::move(cases)});
  }
  void Key(std::string path, KeyTarget at, std::string otherwise, std::string about,
           std::string cases = "", int low = 1, int high = 1'000'000) {
    keys.push_back({std::move(path), at, std::move(about), Presence::kDefault, std::move(otherwise),
                    std::move(cases), low, high});
  }
};

void AddAccess(Table& t, Profile& p) {
  t.Group("cluster", "Where the cluster is.");
  t.Key("cluster.kubeconfig", Any(p.cluster.kubeconfig), "",
        "empty: $KUBECONFIG, then ~/.kube/config, then the pod's own account");
  t.Key("cluster.context", Any(p.cluster.context), "", "empty: the file's current context");

  t.Group("identity",
          "Which cluster and chain this profile is for. Checked before a run and before every "
          "write, so that a wrong kubeconfig can break nothing. An empty value is not checked.");
  t.Key("identity.kube_system_uid", Any(p.identity.kube_system_uid), "",
        "metadata.uid of the namespace kube-system");
  t.Key("identity.ca_sha256", Any(p.identity.ca_sha256), "",
        "SHA-256 of the cluster's CA certificate (DER)");
  t.Key("identity.chain_id", Any(p.identity.chain_id), "", "the chain's id, as /status says it");
  t.Key("identity.genesis_sha256", Any(p.identity.genesis_sha256), "",
        "SHA-256 of the genesis as /genesis_chunked serves it");

  t.Group("allow",
          "What the suite may do there. What is not allowed is refused, and the cases fail by that "
          "name.");
  t.Key("allow.disruption", &p.allow.disruption, "false", "delete pods, drain nodes, cut networks");
  t.Key("allow.agent", &p.allow.agent, "false", "a privileged DaemonSet of the suite's own");
  t.Key("allow.defects", &p.allow.defects, "false",
        "break the deployment on purpose (pawk8s prove)");

  t.Key("not_provided", &p.not_provided, "[]",
        "needs of cases that this deployment does not have, such as [expansion]: their cases count "
        "as failed, and the gate lists them apart");

  t.Group("agent",
          "The suite's own DaemonSet. Its image is built as build/<preset>/images/pawk8s-agent, an "
          "OCI layout, and must be in a registry from which the nodes can pull.");
  t.Key("agent.image", Any(p.agent.image), "", "a digest is better than a tag");
  t.Key("agent.pull_secret", Any(p.agent.pull_secret), "", "a Secret of the agent's namespace");
  t.Key("agent.namespace", Name(p.agent.ns), "pawk8s-agent", "made and removed by the suite");

  t.Group("testbed", "Only for clusters that are there to be broken.");
  t.Key("testbed.command", Any(p.testbed.command), "",
        "a program that edits files of the control plane, for defects of that kind");
}

void AddWorkload(Table& t, WorkloadRef& w, const std::string& role, const std::string& about,
                 const std::string& min_replicas, const std::string& home_cases) {
  const std::string path = "deployment." + role;
  const bool validators = role == "validators";
  t.Group(path, about);
  t.Required(path + ".kind", &w.kind, "StatefulSet or Deployment");
  t.Required(path + ".name", Name(w.name), "its name");
  t.Required(path + ".container", Name(w.container), "the container that runs the program");
  t.Key(path + ".min_replicas", &w.min_replicas, min_replicas,
        validators ? "the least that survives the loss of one" : "the least that is expected",
        validators ? "INF-POD-01" : "", 1, 1000);
  if (home_cases.empty()) return;
  t.Named(path + ".home", Path(w.home), "the program's home folder in that container", home_cases);
}

void AddDeployment(Table& t, Profile& p) {
  t.Group("deployment", "What the deployment is called.");
  t.Required("deployment.namespace", Name(p.ns), "where all of it is");
  AddWorkload(t, p.validators, "validators", "Whose pods sign blocks.", "4",
              "INF-POD-04 INF-POD-05 INF-POD-06 INF-POD-10");
  AddWorkload(t, p.nodes, "nodes", "Full nodes, which sign nothing.", "1", "INF-POD-04");
  AddWorkload(t, p.api, "api", "The gateway in front of the full nodes.", "1", "");

  t.Group("deployment.ports", "Ports of the pods. A metrics port may serve both pages.");
  t.Key("deployment.ports.rpc", &p.ports.rpc, "26657", "CometBFT RPC");
  t.Key("deployment.ports.p2p", &p.ports.p2p, "26656", "CometBFT peers");
  t.Key("deployment.ports.rest", &p.ports.rest, "1317", "Cosmos REST of validators and nodes");
  t.Key("deployment.ports.grpc", &p.ports.grpc, "9090", "Cosmos gRPC of validators and nodes");
  t.Key("deployment.ports.metrics", &p.ports.metrics, "26660", "CometBFT's metrics");
  t.Key("deployment.ports.app_metrics", &p.ports.app_metrics, "36660", "the program's metrics");
  t.Key("deployment.ports.health", &p.ports.health, "36661", "the program's health pages");
  t.Key("deployment.ports.gateway_rest", &p.ports.gateway_rest, "1317", "REST of the gateway");
  t.Key("deployment.ports.gateway_grpc", &p.ports.gateway_grpc, "9090", "gRPC of the gateway");

  t.Group("deployment.services", "Services by what they are for.");
  const std::string s = "deployment.services.";
  t.Named(s + "headless", Name(p.services.headless), "gives each validator a DNS name of its own",
          "INF-STS-04 INF-STS-05 INF-STS-06");
  t.Named(s + "rpc", Name(p.services.rpc), "RPC of any Ready validator",
          "INF-POD-08 INF-STS-06 INF-HP-02 INF-HP-05");
  t.Named(s + "p2p", Name(p.services.p2p), "the validators' peer port");
  t.Named(s + "metrics", Name(p.services.metrics), "the validators' metrics");
  t.Named(s + "nodes", Name(p.services.nodes), "all ports of the full nodes");
  t.Named(s + "node_metrics", Name(p.services.node_metrics), "the full nodes' metrics");
  t.Named(s + "public_rpc", Name(p.services.public_rpc), "RPC for users");
  t.Named(s + "public_api", Name(p.services.public_api), "REST for users, through the gateway");
  t.Named(s + "public_grpc", Name(p.services.public_grpc), "gRPC for users, through the gateway");

  t.Group("deployment.policies", "What guards the namespace.");
  t.Named("deployment.policies.disruption_budget", Name(p.policies.disruption_budget),
          "PodDisruptionBudget of the validators",
          "INF-STS-03 INF-PDB-01 INF-PDB-02 INF-PDB-03 INF-PDB-04 INF-RBK-02");
  t.Named("deployment.policies.quota", Name(p.policies.quota), "ResourceQuota",
          "INF-RES-05 INF-RES-06");
  t.Named("deployment.policies.limit_range", Name(p.policies.limit_range), "LimitRange");
}

void AddChainFiles(Table& t, Profile& p) {
  t.Group("deployment.genesis", "Where the genesis comes from, and what its digest must be.");
  const std::string g = "deployment.genesis.";
  t.Named(g + "config_map", Name(p.genesis.config_map), "ConfigMap that holds the genesis",
          "INF-POD-06 INF-POD-10");
  t.Named(g + "file", Any(p.genesis.file), "its key there", "INF-POD-06 INF-POD-10");
  t.Named(g + "digest_map", Name(p.genesis.digest_map), "ConfigMap that holds the digest",
          "INF-POD-04 INF-POD-05 INF-POD-06");
  t.Named(g + "digest_key", Any(p.genesis.digest_key), "its key there, such as GENESIS_SHA256",
          "INF-POD-04 INF-POD-05 INF-POD-06");
  t.Key(g + "path", Path(p.genesis.path), "config/genesis.json", "in a node's home");

  t.Group("deployment.node", "Settings and files of validators and full nodes.");
  const std::string n = "deployment.node.";
  t.Named(n + "config_map", Name(p.node.config_map), "ConfigMap of the common settings",
          "INF-POD-04 INF-POD-05 INF-POD-06");
  t.Named(n + "chain_id_key", Any(p.node.chain_id_key), "the chain id's key there",
          "INF-POD-04 INF-POD-05 INF-POD-06");
  t.Named(n + "files_map", Name(p.node.files_map),
          "ConfigMap of config.toml and app.toml, as templates");
  t.Named(n + "validator_keys", Name(p.node.validator_keys), "Secret of the validators' keys");
  t.Key(n + "signing_state", Path(p.node.signing_state), "data/priv_validator_state.json",
        "in a validator's home: what it has signed last");
  t.Key(n + "block_store", Path(p.node.block_store), "data/blockstore.db", "in a node's home");
  t.Key(n + "node_key", Path(p.node.node_key), "config/node_key.json", "in a node's home");
  t.Key(n + "exit_codes", &p.node.exit_codes, "[0]",
        "with which the program may end on SIGTERM; 143 means that it does not handle the signal",
        "", 0, 255);

  t.Group("deployment.init", "Init containers of validators and full nodes.");
  const std::string init_cases = "INF-POD-03 INF-POD-05 INF-POD-06";
  t.Named("deployment.init.genesis_verifier", Name(p.init.genesis_verifier),
          "the container that verifies the genesis", init_cases);
  t.Named("deployment.init.config_init", Name(p.init.config_init),
          "the container that writes the configuration", init_cases + " INF-POD-10");
  t.Named("deployment.init.scripts", Name(p.init.scripts), "ConfigMap of their scripts");

  t.Group("deployment.storage", "The validators' volumes.");
  const std::string st = "deployment.storage.";
  t.Named(st + "class", Name(p.storage.storage_class), "StorageClass of their claims",
          "INF-PV-02 INF-PV-03 INF-PV-06 INF-PV-07");
  t.Named(st + "claim", Name(p.storage.claim),
          "name of the claim template, and of the volume in the pod",
          "INF-POD-05 INF-POD-06 INF-POD-10 INF-POD-11 INF-PV-01 INF-PV-02 INF-PV-03 INF-PV-04 "
          "INF-PV-05 INF-PV-06 INF-PV-07");
  t.Named(st + "path", Path(p.storage.path), "where it is mounted",
          "INF-POD-05 INF-POD-06 INF-POD-10 INF-POD-11 INF-PV-01 INF-PV-04 INF-PV-05 INF-PV-06");
  t.Named(
      st + "provisioner", Any(p.storage.provisioner),
      "the workload that makes the volumes, as 'Deployment namespace/name', if it is one of the "
      "cluster's own; for defects");
  t.Named(st + "resizer", Any(p.storage.resizer),
          "the workload that has them grow, likewise; for defects");

  t.Group("dns", "The cluster's DNS.");
  t.Key("dns.namespace", Name(p.dns.ns), "kube-system", "where it runs");
  t.Key("dns.service", Name(p.dns.service), "kube-dns", "its Service");
  t.Key("dns.config_map", Name(p.dns.config_map), "coredns", "its configuration; for defects");
  t.Key("dns.domain", Name(p.dns.domain), "cluster.local", "of the cluster's names");
}

void AddSharedThresholds(Table& t, Profile::Thresholds& of) {
  t.Group(
      "thresholds",
      "What is demanded. Durations have a unit (ms, s, m), sizes too (Mi, Gi, M, G), shares end "
      "in %.");
  const std::string p = "thresholds.";
  t.Key(p + "pod_running", &of.pod_running, "30s", "old pod gone -> successor Running",
        "INF-POD-02");
  t.Key(p + "pod_ready", &of.pod_ready, "60s", "old pod gone -> successor Ready", "INF-POD-02");
  t.Key(p + "block_gap", &of.block_gap, "10s", "between two blocks while one validator is away",
        "INF-POD-02 INF-PDB-03 INF-PDB-04");
  t.Key(p + "blocks_during_outage", &of.blocks_during_outage, "5",
        "at least so many while one validator is away or held back",
        "INF-POD-02 INF-PV-05 INF-RES-02 INF-RES-04 INF-PDB-02");
  t.Key(p + "peer_found", &of.peer_found, "30s",
        "successor Ready -> a peer lists its id at the new address", "INF-STS-07");
  t.Key(p + "height_lag", &of.height_lag, "2",
        "blocks that a node may be behind its peers and still be level with them", "INF-POD-09");
  t.Key(p + "steady", &of.steady, "15s",
        "for so long the deployment is watched while nothing is asked of it",
        "INF-HP-04 INF-RES-03");
}

void AddWorkloadThresholds(Table& t, Profile::Thresholds& of) {
  t.Group("thresholds.pod_lifecycle", "Suite PodLifecycle.");
  std::string p = "thresholds.pod_lifecycle.";
  t.Key(p + "stop_margin", &of.pod_lifecycle.stop_margin, "2s",
        "process ended -> grace period used up, at least", "INF-POD-07");
  t.Key(p + "served_after_removal", &of.pod_lifecycle.served_after_removal, "3s",
        "out of the ready endpoints -> last answer, at least", "INF-POD-08");
  t.Key(p + "restarted_ready", &of.pod_lifecycle.restarted_ready, "45s",
        "process killed -> Ready again in the same pod", "INF-POD-09");

  t.Group("thresholds.stateful_set", "Suite StatefulSet.");
  p = "thresholds.stateful_set.";
  t.Key(p + "all_ready", &of.stateful_set.all_ready, "120s", "scaled up from 0 -> all Ready",
        "INF-STS-01");
  t.Key(p + "blocks_resume", &of.stateful_set.blocks_resume, "20s",
        "all Ready -> a block above the old height", "INF-STS-01");
  t.Key(p + "all_gone", &of.stateful_set.all_gone, "60s", "scaled to 0 -> no pod left",
        "INF-STS-02");
  t.Key(p + "disruptions_allowed", &of.stateful_set.disruptions_allowed, "1",
        "at least so many by the budget while all are healthy", "INF-STS-03", 1, 1000);
  t.Key(p + "dns_follows", &of.stateful_set.dns_follows, "40s",
        "successor has its address -> every DNS endpoint says it (TTL 30 s and 10 s)",
        "INF-STS-05");
  t.Key(p + "thawed_ready", &of.stateful_set.thawed_ready, "30s", "SIGCONT -> Ready", "INF-STS-06");

  t.Group("thresholds.persistent_volume", "Suite PersistentVolume.");
  p = "thresholds.persistent_volume.";
  t.Key(p + "bound", &of.persistent_volume.bound, "30s",
        "claim and consumer created -> bound and written to; any wait for an own claim",
        "INF-PV-02 INF-PV-03 INF-PV-06 INF-PV-07");
  t.Key(p + "kept_off", &of.persistent_volume.kept_off, "15s",
        "for so long a second node's pod must not run on the claim", "INF-PV-03");
  t.Key(p + "least_request", &of.persistent_volume.least_request, "1Gi",
        "each validator's claim asks for at least so much, and so much the suite's own",
        "INF-PV-02 INF-PV-03 INF-PV-04 INF-PV-06");
  t.Key(p + "usable", &of.persistent_volume.usable, "90%",
        "of the requested bytes that the file system offers, at least", "INF-PV-04 INF-PV-07", 1,
        100);
  t.Key(p + "expand_from", &of.persistent_volume.expand_from, "1Gi",
        "size of the claim that is expanded ...", "INF-PV-07");
  t.Key(p + "expand_to", &of.persistent_volume.expand_to, "2Gi", "... and what it is expanded to");
  t.Key(p + "expanded", &of.persistent_volume.expanded, "120s",
        "claim patched -> capacity and file system have grown; the kubelet looks every 60 to 90 s",
        "INF-PV-07");
}

void AddHealthThresholds(Table& t, Profile::Thresholds& of) {
  t.Group("thresholds.health_probes", "Suite HealthProbes.");
  std::string p = "thresholds.health_probes.";
  auto& h = of.health_probes;
  t.Key(p + "unready", &h.unready, "30s", "process frozen -> not Ready, at most",
        "INF-HP-02 INF-HP-05");
  t.Key(p + "unready_slack", &h.unready_slack, "5s",
        "beyond what the figures of a readiness or liveness probe add up to",
        "INF-HP-02 INF-HP-05 INF-HP-06");
  t.Key(p + "thawed_ready", &h.thawed_ready, "20s", "SIGCONT -> Ready", "INF-HP-02");
  t.Key(p + "slow_start_margin", &h.slow_start_margin, "5s",
        "beyond the liveness budget that a slow starter takes", "INF-HP-03");
  t.Key(p + "endpoint_gone", &h.endpoint_gone, "5s", "not Ready -> endpoint not ready",
        "INF-HP-05");
  t.Key(p + "connections", &h.connections, "60",
        "fresh connections to the Service, all of which answer", "INF-HP-05", 1, 10'000);
  t.Key(p + "hang_restarted", &h.hang_restarted, "90s",
        "process frozen for good -> container restarted, at most", "INF-HP-06");
  t.Key(p + "votes_resume", &h.votes_resume, "30s", "restarted -> its votes are in commits",
        "INF-HP-06");

  t.Group("thresholds.resources", "Suite Resources.");
  p = "thresholds.resources.";
  auto& r = of.resources;
  t.Key(p + "hog", &r.hog, "10s", "how long all processors are asked for", "INF-RES-02");
  t.Key(p + "hog_usage", &r.hog_usage, "110%", "of the limit that is used meanwhile, at most",
        "INF-RES-02", 100, 1000);
  t.Key(p + "throttled", &r.throttled, "10%", "of the periods, at most", "INF-RES-03", 1, 100);
  t.Key(p + "oom_killed", &r.oom_killed, "10s", "limit lowered -> killed, else it did not act",
        "INF-RES-04");
  t.Key(p + "oom_ready", &r.oom_ready, "60s",
        "killed -> Ready again, and the others have made their blocks", "INF-RES-04");
  t.Key(p + "quota_settles", &r.quota_settles, "15s",
        "for so long the quota's status may lag behind what is there", "INF-RES-05 INF-RES-06");
}

void AddRolloutThresholds(Table& t, Profile::Thresholds& of) {
  t.Group("thresholds.disruption_budget", "Suite PodDisruptionBudget.");
  std::string p = "thresholds.disruption_budget.";
  t.Key(p + "drain", &of.disruption_budget.drain, "30s", "how long a worker is drained",
        "INF-PDB-03");
  t.Key(p + "drained_ready", &of.disruption_budget.drained_ready, "60s",
        "uncordoned -> all validators Ready", "INF-PDB-03");
  t.Key(p + "rolled_out", &of.disruption_budget.rolled_out, "150s",
        "template changed -> all Ready at the new revision", "INF-PDB-04");

  t.Group("thresholds.rollback", "Suite Rollback.");
  p = "thresholds.rollback.";
  t.Key(p + "blocks_while_stuck", &of.rollback.blocks_while_stuck, "10",
        "at least so many while a rollout is stuck", "INF-RBK-02");
  t.Key(p + "restored", &of.rollback.restored, "150s", "rolled back -> all pods as before",
        "INF-RBK-03");
  t.Key(p + "consensus_resumes", &of.rollback.consensus_resumes, "40s",
        "rolled back -> every validator has signed enough of a window of blocks", "INF-RBK-04");
  t.Key(p + "signed_blocks", &of.rollback.signed_blocks, "8", "how many of that window are enough",
        "INF-RBK-04");
  t.Key(p + "signed_window", &of.rollback.signed_window, "10", "how long that window is");
}

void AddBudgets(Table& t, Profile& p) {
  t.Group("budgets", "How long the suite itself waits.");
  t.Key("budgets.case", &p.budgets.per_case, "10m",
        "then a case is cancelled and reverts what it did");
  t.Key("budgets.restore", &p.budgets.restore, "4m",
        "for the deployment to be as it was before a case");
  t.Key("budgets.trace_age", &p.budgets.trace_age, "10m",
        "a stimulus older than this is not judged by another case");
  t.Key("budgets.restart_quiet", &p.budgets.restart_quiet, "10m",
        "a container that restarted within it is not restarted in place: back-off would spoil the "
        "timing");
}

}  // namespace

std::vector<ProfileKey> KeysOf(Profile& profile) {
  Table table;
  AddAccess(table, profile);
  AddDeployment(table, profile);
  AddChainFiles(table, profile);
  AddSharedThresholds(table, profile.thresholds);
  AddWorkloadThresholds(table, profile.thresholds);
  AddHealthThresholds(table, profile.thresholds);
  AddRolloutThresholds(table, profile.thresholds);
  AddBudgets(table, profile);
  return std::move(table.keys);
}

}  // namespace pawk8s
