// Tells when something changes in a folder of frames or in the folders below it, by Linux's inotify. It is a hint: what
// changed is for the reader to find out, and file systems that tell nothing (network shares, a folder that is not there
// yet, a system out of watches) leave the reader to look by itself from time to time.
#pragma once

#include <string>

namespace altocast {

// Not for concurrent use.
class FolderWatch {
 public:
  explicit FolderWatch(std::string folder);
  ~FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  // Readable (poll(2)) once something has changed; −1 if this folder cannot be watched.
  int descriptor() const { return descriptor_; }

  // Takes what has been told so far off the descriptor. New folders are watched from then on.
  void take();

  // Begins anew: with the folder if it is there by now, and without watches on folders that have fallen quiet.
  void renew();

 private:
  void close();
  bool add(const std::string& folder);
  void add_below(const std::string& folder, int depth);

  std::string folder_;
  int descriptor_ = -1;
  int watches_ = 0;
};

}  // namespace altocast
