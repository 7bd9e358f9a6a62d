// GlooMesh: a connection between every two ranks, by Gloo's TCP transport.
#ifndef ORBIT_ENGINE_DISTRIBUTED_GLOO_MESH_H_
#define ORBIT_ENGINE_DISTRIBUTED_GLOO_MESH_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/distributed/session.h"

namespace orbit {

class GlooMesh {
 public:
  // Throws Error naming the rank that this one cannot reach, and the interface.
  explicit GlooMesh(Session& session);
  ~GlooMesh();

  // A range of bytes for, or from, another rank.
  struct Piece {
    int rank;
    size_t offset, bytes;
  };
  // Sends pieces of `from` and receives pieces of `to`, at most one for every other rank, and returns when all is done.
  // `name` is the exchange's own, the same on all ranks. Throws the session's Error if that takes longer than an
  // operation may, or the job fails meanwhile.
  void Exchange(const std::string& name, const void* from, const std::vector<Piece>& sends, void* to,
                const std::vector<Piece>& receives);

  const std::string& interface() const { return interface_; }  // "10.0.0.7 (eth0)"

 private:
  class Context;
  struct Buffers;

  void Connect();
  void Stop();

  Session& session_;
  std::string interface_;
  std::shared_ptr<Context> context_;
  std::mutex mutex_;
  Buffers* current_ = nullptr;  // guarded by mutex_: those of the exchange that is under way
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_DISTRIBUTED_GLOO_MESH_H_
