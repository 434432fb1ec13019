// The profile: everything a case needs to know of one deployment that is not the same everywhere.
//
//   EXPECT_THAT(replaced, IsReadyWithin(profile().thresholds.pod_ready));
//
// What each key means, its default and its bounds stand in profile_keys.cc and nowhere else; they
// are printed in docs/profile.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/deployment/units.h"

namespace pawk8s {

enum class WorkloadKind { kStatefulSet, kDeployment };

// A workload of the deployment by its role.
struct WorkloadRef {
  WorkloadKind kind = WorkloadKind::kDeployment;
  std::string ns;
  std::string name;
  std::string container;  // the one that runs the chain's program
  std::string home;       // the program's home folder in that container
  int min_replicas = 1;

  // "StatefulSet paw/paw-validator"
  [[nodiscard]] std::string ToString() const;
};

struct Profile {
  // Every key at its default; what has none is empty.
  Profile();

  // InvalidArgument "<file>:<line>: <what is wrong>" for an unknown or missing key, a value of the
  // wrong type or unit, or a ${VARIABLE} that nobody replaced; NotFound if there is no such file.
  static absl::StatusOr<Profile> Load(const std::filesystem::path& file);
  // The same of a text; `file` is what errors call it.
  static absl::StatusOr<Profile> Parse(const std::string& text, const std::string& file);
  // Load() of the file that $PAWK8S_PROFILE names; FailedPrecondition if it names none.
  static absl::StatusOr<Profile> FromEnvironment();

  // Empty if the profile names all that the case `id` uses of the deployment; else the keys that it
  // lacks, in a sentence.
  [[nodiscard]] std::string WhatIsUnnamedFor(std::string_view id) const;

  std::string file;

  struct {
    std::string kubeconfig, context;
  } cluster;

  struct {
    std::string kube_system_uid, ca_sha256, chain_id, genesis_sha256;
  } identity;  // an empty value is not checked

  struct {
    bool disruption, agent, defects;
  } allow;

  struct {
    std::string image, pull_secret, ns;
  } agent;  // without an image it cannot be used

  std::vector<std::string> not_provided;  // needs of cases

  struct {
    std::string command;
  } testbed;

  std::string ns;
  WorkloadRef validators, nodes, api;

  // Of validators and full nodes; the gateway's are apart.
  struct {
    std::uint16_t rpc, p2p, rest, grpc, metrics, app_metrics, health, gateway_rest, gateway_grpc;
  } ports;

  struct {
    std::string headless, rpc, p2p, metrics;  // of the validators
    std::string nodes, node_metrics, public_rpc, public_api, public_grpc;
  } services;

  struct {
    std::string disruption_budget, quota, limit_range;
  } policies;

  struct {
    std::string config_map, file;        // the genesis itself
    std::string digest_map, digest_key;  // what its digest must be
    std::string path;                    // in a node's home
  } genesis;

  struct {
    std::string config_map, chain_id_key;              // settings of all nodes
    std::string files_map;                             // templates of config.toml and app.toml
    std::string signing_state, block_store, node_key;  // paths in a node's home
    std::string validator_keys;                        // a Secret
    std::vector<int> exit_codes;                       // that end a process cleanly
  } node;

  struct {
    std::string genesis_verifier, config_init, scripts;
  } init;

  struct {
    std::string storage_class, claim, path, provisioner, resizer;
  } storage;

  struct {
    std::string ns, service, config_map, domain;
  } dns;

  struct Thresholds {
    Millis pod_running, pod_ready, block_gap, peer_found, steady;
    int blocks_during_outage, height_lag;
    struct {
      Millis stop_margin, served_after_removal, restarted_ready;
    } pod_lifecycle;
    struct {
      Millis all_ready, blocks_resume, all_gone, dns_follows, thawed_ready;
      int disruptions_allowed;
    } stateful_set;
    struct {
      Millis bound, kept_off, expanded;
      Bytes least_request, expand_from, expand_to;
      Percent usable;
    } persistent_volume;
    struct {
      Millis unready, unready_slack, thawed_ready, slow_start_margin, endpoint_gone, hang_restarted,
          votes_resume;
      int connections;
    } health_probes;
    struct {
      Millis hog, oom_killed, oom_ready, quota_settles;
      Percent hog_usage, throttled;
    } resources;
    struct {
      Millis drain, drained_ready, rolled_out;
    } disruption_budget;
    struct {
      Millis restored, consensus_resumes;
      int blocks_while_stuck, signed_blocks, signed_window;
    } rollback;
  } thresholds;

  struct {
    Millis per_case, restore, trace_age, restart_quiet;
  } budgets;
};

}  // namespace pawk8s
