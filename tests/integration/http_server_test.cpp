// Requests that come in, and those that the server refuses by itself.

#include <sys/stat.h>

#include "tests/integration/http_server_fixture.h"

namespace banyan::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

TEST_F(HttpServerTest, AnswersAndReportsTheEndOfEachExchangeOnce) {
  open();
  answer_ok();
  const std::string answer = get("Host: localhost\r\n", "/api/v1/tree?select=a%2Fb");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("you asked /api/v1/tree?select=a%2Fb"));
  ASSERT_THAT(requests_, SizeIs(1));
  EXPECT_EQ(requests_[0].method, "GET");
  EXPECT_THAT(requests_[0].peer, StartsWith("127.0.0.1:"));
  EXPECT_THAT(closed_, ElementsAre(requests_[0].exchange));
}

TEST_F(HttpServerTest, PutsSecurityHeadersOnEveryAnswer) {
  open();
  answer_ok();
  for (const std::string& answer : {get("Host: localhost\r\n"), get("Host: evil.example\r\n")}) {
    EXPECT_THAT(answer, HasSubstr("\r\nContent-Security-Policy: default-src 'none'; script-src"));
    EXPECT_THAT(answer, HasSubstr("\r\nX-Content-Type-Options: nosniff\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nReferrer-Policy: no-referrer\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nCache-Control: no-store\r\n"));
  }
}

TEST_F(HttpServerTest, KeepsACacheControlOfTheAnswerAndNoHeaderInjection) {
  open();
  on_request_ = [this](const tree::HttpRequest& request) {
    server_->perform(tree::HttpRespond{
        request.exchange, 200, {{"Cache-Control", "max-age=60"}, {"X-A", "b\r\nX-C: d"}}, ""});
  };
  const std::string answer = get("Host: localhost\r\n");
  EXPECT_THAT(answer, HasSubstr("\r\nCache-Control: max-age=60\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("no-store")));
  EXPECT_THAT(answer, Not(HasSubstr("\r\nX-C: d")));
}

TEST_F(HttpServerTest, AnswersSeveralRequestsOnOneConnectionInOrder) {
  open();
  answer_ok();
  HttpClient client(loop_, port_);
  client.send(
      "GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /2 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(client.read_until("you asked /2"));
  EXPECT_LT(client.received().find("you asked /1"), client.received().find("you asked /2"));
  client.send("GET /3 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(client.read_to_end());
  EXPECT_THAT(client.received(), HasSubstr("you asked /3"));
  EXPECT_THAT(closed_, SizeIs(3));
}

TEST_F(HttpServerTest, AnswersHeadLikeGetWithoutABody) {
  open();
  answer_ok();
  const std::string answer =
      ask("HEAD /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(requests_.at(0).method, "GET");
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 12\r\n"));
  EXPECT_THAT(answer, testing::EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, TakesABodyAlsoOfGet) {
  open();
  answer_ok();
  const std::string body(100'000, 'x');
  ask("GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n" +
      body);
  ask("POST /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
      "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  ASSERT_THAT(requests_, SizeIs(2));
  EXPECT_EQ(requests_[0].body, body);
  EXPECT_EQ(requests_[1].body, "abc");
}

TEST_F(HttpServerTest, RefusesWhatIsNotHttp) {
  open();
  for (const std::string& bytes :
       {std::string("nonsense\r\n\r\n"), std::string("\x16\x03\x01\x02\x00\x01\x00\r\n", 9),
        std::string("GET /x HTTP/1.1\r\nHost localhost\r\n\r\n"),
        std::string("GET /x HTTP/1.1\r\nConnection: close\r\n\r\n"),
        std::string("GET /x HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"),
        std::string("POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n")}) {
    const std::string answer = ask(bytes);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 ")) << bytes;
    EXPECT_THAT(answer, HasSubstr("Content-Type: application/problem+json\r\n"));
  }
  EXPECT_THAT(requests_, IsEmpty());
}

TEST_F(HttpServerTest, RefusesHeadsAndBodiesOverTheirLimits) {
  open();
  answer_ok();
  EXPECT_THAT(get("Host: localhost\r\nX-Long: " + std::string(17 << 10, 'x') + "\r\n"),
              StartsWith("HTTP/1.1 431 "));
  const std::string post = "POST /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  const std::string size = std::to_string((1 << 20) + 1);
  EXPECT_THAT(ask(post + "Content-Length: " + size + "\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(ask(post + "Transfer-Encoding: chunked\r\n\r\n" + "110000\r\n" +
                  std::string(0x110000, 'x') + "\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(requests_, IsEmpty());
  ask(post + "Content-Length: 1048576\r\n\r\n" + std::string(1 << 20, 'x'));
  EXPECT_THAT(requests_, SizeIs(1));
}

TEST_F(HttpServerTest, AnswersToItsOwnNamesOnly) {
  HttpOptions options;
  options.allowed_hosts = {"tree.example", "other.example:8080"};
  open(options);
  answer_ok();
  for (const std::string host : {"localhost", "LOCALHOST:7480", "127.0.0.1:1", "127.8.8.8",
                                 "[::1]:7480", "tree.example:99", "other.example:8080"}) {
    EXPECT_THAT(get("Host: " + host + "\r\n"), StartsWith("HTTP/1.1 200 ")) << host;
  }
  for (const std::string host : {"evil.example", "10.0.0.1", "localhost.evil.example",
                                 "other.example", "127.0.0.1.evil.example", "[::2]"}) {
    EXPECT_THAT(get("Host: " + host + "\r\n"), StartsWith("HTTP/1.1 421 ")) << host;
  }
  EXPECT_THAT(get("Host: localhost\r\n", "http://evil.example/x"), StartsWith("HTTP/1.1 421 "));
  EXPECT_THAT(get("Host: evil.example\r\n", "http://localhost/x"), HasSubstr("you asked /x"));
}

TEST_F(HttpServerTest, RefusesAForeignOrigin) {
  open();
  answer_ok();
  const std::string host = "Host: localhost:7480\r\n";
  EXPECT_THAT(get(host + "Origin: http://localhost:7480\r\n"), StartsWith("HTTP/1.1 200 "));
  for (const std::string origin : {"http://evil.example", "null", "http://localhost:1",
                                   "https://localhost", "http://evil.example:7480"}) {
    EXPECT_THAT(get(host + "Origin: " + origin + "\r\n"), StartsWith("HTTP/1.1 403 ")) << origin;
  }
}

TEST_F(HttpServerTest, GivesUpOnARequestThatDoesNotCome) {
  HttpOptions options;
  options.header_timeout = milliseconds{50};
  options.idle_timeout = milliseconds{50};
  open(options);
  EXPECT_THAT(ask("GET /x HTTP/1.1\r\nHost: loc"), StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(ask(""), "");
}

TEST_F(HttpServerTest, TurnsAwayConnectionsOverTheLimitAndServesTheNextOneAfter) {
  HttpOptions options;
  options.max_connections = 2;
  open(options);
  answer_ok();
  auto first = std::make_unique<HttpClient>(loop_, port_);
  const HttpClient second(loop_, port_);
  ASSERT_TRUE(run_until(loop_, [&] { return server_->counters().connections == 2; }));
  EXPECT_THAT(ask(""), StartsWith("HTTP/1.1 503 "));
  first.reset();
  const auto served = [&] { return get("Host: localhost\r\n").find(" 200 ") != std::string::npos; };
  EXPECT_TRUE(run_until(loop_, served));
}

TEST_F(HttpServerTest, ServesAUnixSocketForTheGroupAndReplacesAStaleOne) {
  const TemporaryDirectory directory;
  HttpOptions options;
  options.host.clear();
  options.unix_path = directory.path() + "/http.sock";
  const int stale = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  options.unix_path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(stale, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(stale);
  open(options);
  answer_ok();
  struct stat found {};
  ASSERT_EQ(::stat(options.unix_path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0660U);
  HttpClient client(loop_, options.unix_path);
  client.send("GET /x HTTP/1.1\r\nHost: any.name\r\n\r\n");
  EXPECT_TRUE(client.read_until("you asked /x"));
  HttpServer second(loop_, options, [](const tree::HttpEvent&) {});
  EXPECT_FALSE(second.listen());
  server_.reset();
  EXPECT_NE(::stat(options.unix_path.c_str(), &found), 0);
}

}  // namespace
}  // namespace banyan::io
