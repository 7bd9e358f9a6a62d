#include "engine/distributed/gloo_mesh.h"

#include <gloo/context.h>
#include <gloo/transport/context.h>
#include <gloo/transport/device.h>
#include <gloo/transport/pair.h>
#include <gloo/transport/tcp/device.h>
#include <gloo/transport/unbound_buffer.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>

#include "kernels/error.h"

namespace orbit {
namespace {

using Clock = std::chrono::steady_clock;

std::chrono::milliseconds Milliseconds(double seconds) {
  return std::chrono::milliseconds(std::max<int64_t>(1, static_cast<int64_t>(seconds * 1e3)));
}

std::string NameOfAddress(const std::string& address) {
  for (const NetworkInterface& one : NetworkInterfaces())
    if (one.address == address) return address + " (" + one.name + ")";
  return address;
}

// The name of an exchange as a number, so that messages of different ones never meet.
uint64_t SlotOf(const std::string& name) {
  uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (const unsigned char c : name) hash = (hash ^ c) * 1099511628211u;
  return hash;
}

}  // namespace

class GlooMesh::Context : public gloo::Context {
 public:
  Context(int rank, int world, const std::string& address, std::chrono::milliseconds timeout)
      : gloo::Context(rank, world) {
    device_ = gloo::transport::tcp::CreateDevice(gloo::transport::tcp::attr(address.c_str()));
    transportContext_ = device_->createContext(rank, world);
    transportContext_->setTimeout(timeout);
    setTimeout(timeout);
  }
  gloo::transport::Pair& CreatePair(int rank) { return *transportContext_->createPair(rank); }
};

struct GlooMesh::Buffers {
  std::unique_ptr<gloo::transport::UnboundBuffer> from, to;
};

GlooMesh::GlooMesh(Session& session) : session_(session), interface_(NameOfAddress(session.address())) {
  // Gloo writes to connections that the other end may have closed, which would end the process without a word.
  struct sigaction action;
  if (sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) std::signal(SIGPIPE, SIG_IGN);
  Connect();
  session.OnFailure([this] { Stop(); });
}

GlooMesh::~GlooMesh() { session_.OnFailure(nullptr); }

void GlooMesh::Connect() {
  const int rank = session_.ranks().rank, world = session_.ranks().world;
  const auto key = [](int from, int to) { return "gloo " + std::to_string(from) + " " + std::to_string(to); };
  int other = 0;
  std::string address;
  try {
    // Gloo takes five times this long for a connection.
    context_ =
        std::make_shared<Context>(rank, world, session_.address(), Milliseconds(session_.patience().operation / 5));
    std::vector<gloo::transport::Pair*> pairs(world);
    for (other = 0; other < world; ++other) {
      if (other == rank) continue;
      pairs[other] = &context_->CreatePair(other);
      const std::vector<char> bytes = pairs[other]->address().bytes();
      session_.Set(key(rank, other), std::string(bytes.begin(), bytes.end()));
    }
    session_.Set("address " + std::to_string(rank), interface_);
    for (other = 0; other < world; ++other) {
      if (other == rank) continue;
      address = session_.Get("address " + std::to_string(other));
      const std::string bytes = session_.Get(key(other, rank));
      pairs[other]->connect({bytes.begin(), bytes.end()});
    }
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    session_.ReportBroken(address.empty()
                              ? "the network cannot be used by " + interface_ + ": " + error.what()
                              : "this rank at " + interface_ + " and " + session_.name_of(other) + " at " + address +
                                    " do not reach each other; choose another network interface with --interface. " +
                                    HostName() + " has " + NamesOfInterfaces() + " (" + error.what() + ")");
    Fail(session_.failure());
  }
}

void GlooMesh::Stop() {
  std::lock_guard lock(mutex_);
  if (!current_) return;
  current_->from->abortWaitSend();
  current_->to->abortWaitRecv();
}

void GlooMesh::Exchange(const std::string& name, const void* from, const std::vector<Piece>& sends, void* to,
                        const std::vector<Piece>& receives) {
  const auto size = [](const std::vector<Piece>& pieces) {
    size_t end = 0;
    for (const Piece& piece : pieces) end = std::max(end, piece.offset + piece.bytes);
    return end;
  };
  const auto start = Clock::now();
  const auto left = [&] {
    const std::chrono::duration<double> passed = Clock::now() - start;
    return session_.patience().operation - passed.count();
  };
  Buffers buffers = {context_->createUnboundBuffer(const_cast<void*>(from), size(sends)),
                     context_->createUnboundBuffer(to, size(receives))};
  struct Registration {  // lets Stop reach the buffers
    Registration(GlooMesh& of, Buffers& buffers) : mesh(of) { Set(&buffers); }
    ~Registration() { Set(nullptr); }
    void Set(Buffers* buffers) {
      std::lock_guard lock(mesh.mutex_);
      mesh.current_ = buffers;
    }
    GlooMesh& mesh;
  } registration(*this, buffers);
  session_.Check();

  try {
    const uint64_t slot = SlotOf(name);
    int to_receive = 0, to_send = 0;
    for (const Piece& piece : receives)
      if (piece.bytes > 0) buffers.to->recv(piece.rank, slot, piece.offset, piece.bytes), ++to_receive;
    for (const Piece& piece : sends)
      if (piece.bytes > 0) buffers.from->send(piece.rank, slot, piece.offset, piece.bytes), ++to_send;
    bool complete = true;
    while (complete && to_receive-- > 0) complete = buffers.to->waitRecv(Milliseconds(left()));
    while (complete && to_send-- > 0) complete = buffers.from->waitSend(Milliseconds(left()));
    if (complete) return;
  } catch (const std::exception& error) {
    if (left() <= 0.01)
      session_.ReportOverdue("this took longer than the deadline allows");
    else
      session_.ReportBroken(error.what());
    Fail(session_.failure());
  }
  session_.Check();  // the job has failed, and the exchange was stopped
}

}  // namespace orbit
