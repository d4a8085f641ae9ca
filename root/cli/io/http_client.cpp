#include "root/cli/io/http_client.h"

#include <memory>

#include <curl/curl.h>

#include "root/cli/io/interrupt.h"

namespace banyan::cli {

namespace {

constexpr int poll_ms = 200;
constexpr long connect_timeout_ms = 5000;

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;
using Multi = std::unique_ptr<CURLM, MultiDeleter>;
using List = std::unique_ptr<curl_slist, ListDeleter>;

struct Transfer {
  CURL* easy = nullptr;
  const StreamHandlers& handlers;
  HttpAnswer answer;
  bool active = false;  // bytes came since the last look
  bool stopped = false;
};

long status_of(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

std::size_t on_write(char* bytes, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.active = true;
  const std::string_view view(bytes, size * count);
  const long status = status_of(transfer.easy);
  if (status >= 200 && status < 300) {
    transfer.stopped = !transfer.handlers.on_bytes(view);
    return transfer.stopped ? 0 : view.size();
  }
  if (transfer.answer.body.size() + view.size() > HttpClient::max_body) return 0;
  transfer.answer.body += view;
  return view.size();
}

void append(List& list, const std::string& header) {
  curl_slist* longer = curl_slist_append(list.get(), header.c_str());
  if (longer == nullptr) return;
  static_cast<void>(list.release());
  list.reset(longer);
}

List headers_of(const HttpRequest& request, const std::string& token) {
  List list;
  if (!token.empty()) append(list, "Authorization: Bearer " + token);
  if (!request.body.empty()) append(list, "Content-Type: application/json");
  append(list, "Expect:");
  for (const std::string& header : request.headers) append(list, header);
  return list;
}

long milliseconds_of(Duration duration) {
  return static_cast<long>(std::chrono::duration_cast<milliseconds>(duration).count());
}

void configure(CURL* easy, const HttpRequest& request, const Address& address) {
  curl_easy_setopt(easy, CURLOPT_URL, (address.base + request.path).c_str());
  if (!address.unix_socket.empty()) {
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, address.unix_socket.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (!request.body.empty() || request.method == "POST") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request.body.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // the root is near; a proxy of the shop is not
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "banyan/" BANYAN_VERSION);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 15L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 5L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L * 1024);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms);
  if (request.timeout.count() > 0) {
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds_of(request.timeout));
  }
  if (request.idle_limit.count() > 0) {
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, milliseconds_of(request.idle_limit) / 1000);
  }
}

Trouble trouble_of(CURLcode code, bool connected) {
  if (code == CURLE_OK) return Trouble::none;
  if (!connected) return Trouble::unreachable;
  return code == CURLE_OPERATION_TIMEDOUT ? Trouble::timed_out : Trouble::broken;
}

// The system's word for it ("connection refused") where there is one.
std::string why_of(CURL* easy, CURLcode code, const char* detail) {
  long number = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
  if (code == CURLE_COULDNT_CONNECT && number == ECONNREFUSED) return "connection refused";
  if (code == CURLE_COULDNT_CONNECT && number == ENOENT) return "there is no such socket";
  if (code == CURLE_OPERATION_TIMEDOUT) return "no answer in time";
  return detail[0] != '\0' ? detail : curl_easy_strerror(code);
}

// Runs until the end, a stop or Ctrl-C. Nothing = ended by us.
CURLcode run(CURLM* multi, Transfer& transfer) {
  for (;;) {
    int running = 0;
    curl_multi_perform(multi, &running);
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg == CURLMSG_DONE) return message->data.result;
    }
    if (running == 0) return CURLE_RECV_ERROR;
    curl_multi_poll(multi, nullptr, 0, poll_ms, nullptr);
    if (interrupted()) return CURLE_ABORTED_BY_CALLBACK;
    const bool idle = !std::exchange(transfer.active, false);
    const bool answered = status_of(transfer.easy) != 0;
    if (idle && answered && transfer.handlers.on_idle && !transfer.handlers.on_idle()) {
      transfer.stopped = true;
      return CURLE_ABORTED_BY_CALLBACK;
    }
  }
}

}  // namespace

HttpAnswer HttpClient::stream(const HttpRequest& request, const StreamHandlers& handlers) {
  const Easy easy(curl_easy_init());
  const Multi multi(curl_multi_init());
  const List headers = headers_of(request, token_);
  char detail[CURL_ERROR_SIZE] = {};
  Transfer transfer{easy.get(), handlers, {}, false, false};
  configure(easy.get(), request, address_);
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, on_write);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &transfer);
  curl_multi_add_handle(multi.get(), easy.get());
  const CURLcode code = run(multi.get(), transfer);
  curl_off_t connect_us = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_CONNECT_TIME_T, &connect_us);
  HttpAnswer& answer = transfer.answer;
  answer.status = status_of(easy.get());
  answer.trouble = trouble_of(code, connect_us > 0 || answer.status != 0);
  answer.why = code == CURLE_OK ? "" : why_of(easy.get(), code, detail);
  if (transfer.stopped) answer.trouble = Trouble::stopped;
  if (interrupted()) answer.trouble = Trouble::interrupted;
  curl_multi_remove_handle(multi.get(), easy.get());
  return std::move(answer);
}

HttpAnswer HttpClient::fetch(const HttpRequest& request) {
  std::string body;
  bool too_big = false;
  StreamHandlers handlers;
  handlers.on_bytes = [&](std::string_view bytes) {
    too_big = body.size() + bytes.size() > max_body;
    if (!too_big) body += bytes;
    return !too_big;
  };
  HttpAnswer answer = stream(request, handlers);
  if (answer.body.empty()) answer.body = std::move(body);
  if (too_big) {
    answer.trouble = Trouble::too_big;
    answer.why = "the answer is larger than 256 MiB";
  }
  return answer;
}

}  // namespace banyan::cli
