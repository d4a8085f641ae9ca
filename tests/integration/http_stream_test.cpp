// Streamed answers: chunks, back-pressure, clients that go.

#include "tests/integration/http_server_fixture.h"

namespace banyan::io {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

class HttpStream : public HttpServerTest {
 protected:
  void begin_on_request() {
    on_request_ = [this](const tree::HttpRequest& request) {
      exchange_ = request.exchange;
      server_->perform(tree::HttpBegin{exchange_, 200, {{"Content-Type", "text/event-stream"}}});
    };
  }
  void chunk(std::string bytes) { server_->perform(tree::HttpChunk{exchange_, std::move(bytes)}); }
  bool began(HttpClient& client, const std::string& request) {
    client.send(request);
    return client.read_until("\r\n\r\n") && run_until(loop_, [this] { return drained_ == 1; });
  }

  const std::string request_ = "GET /s HTTP/1.1\r\nHost: localhost\r\n\r\n";
  tree::ExchangeId exchange_ = 0;
};

TEST_F(HttpStream, SendsChunksAndServesTheNextRequestBehindThem) {
  open();
  begin_on_request();
  HttpClient client(loop_, port_);
  ASSERT_TRUE(began(client, request_));
  EXPECT_THAT(client.received(), HasSubstr("Transfer-Encoding: chunked\r\n"));
  client.forget();
  chunk("hello ");
  chunk("");
  chunk("world!!");
  server_->perform(tree::HttpEnd{exchange_});
  ASSERT_TRUE(client.read_until("0\r\n\r\n"));
  EXPECT_EQ(client.received(), "6\r\nhello \r\n7\r\nworld!!\r\n0\r\n\r\n");
  ASSERT_TRUE(run_until(loop_, [this] { return closed_.size() == 1; }));
  answer_ok();
  client.send(request_);
  EXPECT_TRUE(client.read_until("you asked /s"));
}

TEST_F(HttpStream, SendsAPlainBodyToHttp10) {
  open();
  begin_on_request();
  HttpClient client(loop_, port_);
  ASSERT_TRUE(began(client, "GET /s HTTP/1.0\r\nHost: localhost\r\n\r\n"));
  client.forget();
  chunk("hello");
  server_->perform(tree::HttpEnd{exchange_});
  ASSERT_TRUE(client.read_to_end());
  EXPECT_EQ(client.received(), "hello");
}

TEST_F(HttpStream, EndsAStreamToHeadAtOnce) {
  open();
  begin_on_request();
  HttpClient client(loop_, port_);
  client.send("HEAD /s HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(run_until(loop_, [this] { return closed_.size() == 1; }));
  chunk("late");
  answer_ok();
  client.send(request_);
  EXPECT_TRUE(client.read_until("you asked /s"));
  EXPECT_THAT(client.received(), testing::Not(HasSubstr("late")));
}

TEST_F(HttpStream, IsDrainedOnlyWhenTheClientHasTakenItAll) {
  open();
  begin_on_request();
  HttpClient client(loop_, port_);
  ASSERT_TRUE(began(client, request_));
  client.forget();
  chunk(std::string(6 << 20, 'x'));
  EXPECT_FALSE(run_until(
      loop_, [this] { return drained_ > 1; }, milliseconds{100}));
  ASSERT_TRUE(client.read_until([](const std::string& all) { return all.size() > 6U << 20; }));
  EXPECT_TRUE(run_until(loop_, [this] { return drained_ == 2; }));
  EXPECT_EQ(closed_.size(), 0U);
}

TEST_F(HttpStream, IsCutOffWhenTooMuchIsWaiting) {
  open();
  begin_on_request();
  HttpClient client(loop_, port_);
  ASSERT_TRUE(began(client, request_));
  for (int i = 0; i < 20; ++i) chunk(std::string(1 << 20, 'x'));
  EXPECT_TRUE(closed_.empty()) << "nothing is reported from within perform()";
  EXPECT_TRUE(run_until(loop_, [this] { return closed_.size() == 1; }));
  EXPECT_EQ(server_->counters().overruns, 1U);
  EXPECT_TRUE(client.read_to_end());
}

TEST_F(HttpStream, NoticesThatItsClientHasGoneWhileNothingIsSent) {
  open();
  begin_on_request();
  HttpClient client(loop_, port_);
  ASSERT_TRUE(began(client, request_));
  client.close();
  ASSERT_TRUE(run_until(
      loop_, [this] { return closed_.size() == 1; }, seconds{2}));
  EXPECT_EQ(closed_.at(0), exchange_);
  chunk("late");
  server_->perform(tree::HttpEnd{exchange_});
  EXPECT_FALSE(run_until(
      loop_, [this] { return closed_.size() > 1; }, milliseconds{20}));
}

TEST_F(HttpStream, NoticesThatItsClientHasGoneBehindAPipelinedRequest) {
  open();
  begin_on_request();
  HttpClient client(loop_, port_);
  ASSERT_TRUE(began(client, request_));
  client.send(request_);
  client.close();
  EXPECT_TRUE(run_until(
      loop_, [this] { return closed_.size() == 1; }, seconds{2}));
  EXPECT_THAT(requests_, SizeIs(1));
}

TEST_F(HttpStream, AWholeAnswerReachesAClientThatHasSentItsLastByte) {
  open();
  HttpClient client(loop_, port_);
  client.send(request_);
  client.end_sending();
  ASSERT_TRUE(run_until(loop_, [this] { return requests_.size() == 1; }));
  EXPECT_FALSE(run_until(
      loop_, [this] { return !closed_.empty(); }, milliseconds{20}));
  const std::string body(3 << 20, 'y');
  server_->perform(tree::HttpRespond{requests_[0].exchange, 200, {}, body});
  ASSERT_TRUE(client.read_to_end());
  EXPECT_THAT(client.received(), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(client.received(), testing::EndsWith(body));
  EXPECT_THAT(closed_, SizeIs(1));
}

TEST_F(HttpStream, IsCutOffWhenAWholeAnswerIsNotTaken) {
  HttpOptions options;
  options.idle_timeout = milliseconds{100};
  open(options);
  on_request_ = [this](const tree::HttpRequest& request) {
    server_->perform(tree::HttpRespond{request.exchange, 200, {}, std::string(16 << 20, 'z')});
  };
  HttpClient client(loop_, port_);
  client.send(request_);
  EXPECT_TRUE(run_until(loop_, [this] { return closed_.size() == 1; }));
  EXPECT_EQ(server_->counters().stalled, 1U);
}

TEST_F(HttpStream, TheServerMayGoWhileStreamsAreOpen) {
  open();
  begin_on_request();
  HttpClient client(loop_, port_);
  ASSERT_TRUE(began(client, request_));
  chunk(std::string(6 << 20, 'x'));
  server_.reset();
  EXPECT_TRUE(client.read_to_end());
  EXPECT_TRUE(closed_.empty());
}

}  // namespace
}  // namespace banyan::io
