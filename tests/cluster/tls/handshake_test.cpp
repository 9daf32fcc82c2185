#include "cluster/proof/handshake.hpp"

#include "cluster/proof/proving_port.hpp"
#include "cluster/tls/authority.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>

using namespace sluice;
using namespace sluice::cluster;
using boost::asio::ip::tcp;

namespace {

/// An authority in a folder of its own, and certificates that it has signed.
struct authority {
  test::temporary_folder folder;
  explicit authority(std::vector<std::string> nodes) {
    REQUIRE(make_authority(folder.path().string(), 30).ok());
    for (auto& name : nodes)
      REQUIRE(issue_certificate(folder.path().string(), {.name = name, .hosts = {"192.0.2.7"}}).ok());
  }
  [[nodiscard]] std::shared_ptr<certificates> of(const std::string& name) const {
    auto loaded = certificates::load(folder.path().string() + "/" + name, {});
    REQUIRE(loaded.ok());
    return *loaded;
  }
};

struct outcome {
  result<std::string> at_dialler = external_error("unset", "nothing");
  std::string proven, refused;  ///< at the port
};

/// One node dials another; certificates null: that side does not encrypt. Their tokens differ.
outcome dial(const std::string& from, const std::shared_ptr<certificates>& with, const std::string& to,
             const std::shared_ptr<certificates>& there, const std::string& expected = {}) {
  boost::asio::io_context network;
  outcome seen;
  int left = 2;
  const auto ended = [&] {
    if (--left == 0) network.stop();
  };
  proving_port port(
      network, "control",
      {.asked = [&] { return proof::accepting({.name = to, .token = std::string(32, 'a'), .session = {}}); },
       .proven = [&](const std::string& peer, network_stream) { seen.proven = peer, ended(); },
       .refused = [&](const std::string& line) { seen.refused = line, ended(); },
       .secured = [&] { return there ? there->for_nodes() : nullptr; }});
  const auto where = port.listen({"127.0.0.1", 0}, "--listen");
  REQUIRE(where.ok());
  port.start();
  tcp::socket socket(network);
  socket.connect({boost::asio::ip::make_address("127.0.0.1"), where->port});
  std::make_shared<handshake>(
      network_stream(std::move(socket), with ? with->for_nodes() : nullptr),
      proof::dialling({.name = from, .token = std::string(32, 'b'), .session = {}}, expected),
      [&](result<std::string> peer, network_stream) { seen.at_dialler = std::move(peer), ended(); })
      ->start();
  network.run_for(std::chrono::seconds(60));
  port.close();
  network.restart();
  network.run_for(std::chrono::seconds(2));
  return seen;
}

}  // namespace

TEST_CASE("two nodes with certificates of one authority know each other without a common token") {
  const authority ours({"n1", "n2"});
  const auto seen = dial("n2", ours.of("n2"), "n1", ours.of("n1"), "n1");
  INFO(seen.refused);
  REQUIRE(seen.at_dialler.ok());
  CHECK(*seen.at_dialler == "n1");
  CHECK(seen.proven == "n2");
}

TEST_CASE("a node that calls itself by a name that its certificate does not have is refused by either side") {
  const authority ours({"n1", "n2", "n3"});
  const auto lied = dial("n2", ours.of("n3"), "n1", ours.of("n1"));
  CHECK(lied.proven.empty());
  CHECK(lied.refused.find("its name is n2, but its certificate is for n3") != std::string::npos);
  const auto lied_to = dial("n2", ours.of("n2"), "n1", ours.of("n3"));
  REQUIRE_FALSE(lied_to.at_dialler.ok());
  CHECK(lied_to.at_dialler.problem().code == "certificate_refused");
  CHECK(lied_to.at_dialler.problem().message == "its name is n1, but its certificate is for n3");
}

TEST_CASE("a certificate of another authority is refused, and both sides are told why") {
  const authority ours({"n1"});
  const authority others({"n2"});
  const auto seen = dial("n2", others.of("n2"), "n1", ours.of("n1"));
  CHECK(seen.proven.empty());
  REQUIRE_FALSE(seen.at_dialler.ok());
  CHECK(seen.at_dialler.problem().code == "certificate_refused");
  CHECK(seen.at_dialler.problem().message == "its certificate was not signed by the authority in ca.crt");
  CHECK(seen.refused.find("it refused this node: it does not know the authority") != std::string::npos);
}

TEST_CASE("a node that encrypts and one that does not tell each other apart from strangers") {
  const authority ours({"n1", "n2"});
  const auto plain = dial("n2", nullptr, "n1", ours.of("n1"));
  CHECK(plain.refused.find("it does not use TLS") != std::string::npos);
  CHECK_FALSE(plain.at_dialler.ok());
  const auto encrypted = dial("n2", ours.of("n2"), "n1", nullptr);
  CHECK(encrypted.proven.empty());
  CHECK_FALSE(encrypted.at_dialler.ok());
}

TEST_CASE("a renewed certificate is used for the next connection; one that is damaged is not") {
  const authority ours({"n1"});
  std::vector<std::string> log;
  const auto loaded =
      certificates::load(ours.folder.path().string() + "/n1", [&](const auto& line) { log.push_back(line); });
  REQUIRE(loaded.ok());
  const auto first = (*loaded)->for_nodes();
  CHECK((*loaded)->for_nodes() == first);
  REQUIRE(issue_certificate(ours.folder.path().string(), {.name = "n1"}).ok());
  const auto second = (*loaded)->for_nodes();
  CHECK(second != first);
  std::filesystem::resize_file(ours.folder.path().string() + "/n1/tls.crt", 100);
  CHECK((*loaded)->for_nodes() == second);
  REQUIRE(log.size() == 2);
  CHECK(log[0].find("read the certificate in") == 0);
  CHECK(log[1].find("the earlier certificate stays in use") == 0);
}

TEST_CASE("files that do not belong together are refused with the file's name") {
  const authority ours({"n1", "n2"});
  const authority others({"n1"});
  const auto folder = ours.folder.path().string();
  const auto refusal = [&] {
    const auto loaded = certificates::load(folder + "/n1", {});
    REQUIRE_FALSE(loaded.ok());
    CHECK(loaded.problem().code == "certificate_unusable");
    return loaded.problem().message;
  };
  namespace fs = std::filesystem;
  fs::copy_file(folder + "/n2/tls.key", folder + "/n1/tls.key", fs::copy_options::overwrite_existing);
  CHECK(refusal().find("do not belong together") != std::string::npos);
  fs::permissions(folder + "/n1/tls.key", fs::perms(0644));
  CHECK(refusal().find("can be read by other users") != std::string::npos);
  REQUIRE(issue_certificate(folder, {.name = "n1"}).ok());
  fs::copy_file(others.folder.path().string() + "/ca.crt", folder + "/n1/ca.crt", fs::copy_options::overwrite_existing);
  CHECK(refusal().find("does not fit") != std::string::npos);
  fs::remove(folder + "/n1/tls.key");
  CHECK(refusal().find("tls.key") != std::string::npos);
}

TEST_CASE("an authority is not replaced, and names that no certificate can have are refused") {
  const authority ours({"n1"});
  CHECK(make_authority(ours.folder.path().string(), 30).problem().code == "authority_exists");
  for (const auto* name : {"", "../n1", "n1,DNS:n2", "localhost", "-n"})
    CHECK(issue_certificate(ours.folder.path().string(), {.name = name}).problem().code == "invalid_name");
  CHECK(issue_certificate(ours.folder.path().string(), {.name = "n2", .hosts = {"a b"}}).problem().code ==
        "invalid_name");
  CHECK(issue_certificate(ours.folder.path().string() + "/n1", {.name = "n2"}).problem().code == "no_authority");
}
