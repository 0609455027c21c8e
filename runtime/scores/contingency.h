// Scores of yes-or-no forecasts of an event, from the table of hits, false alarms, misses and correct
// negatives (Jolliffe and Stephenson, 2012). What an event is, and that numbers without a value are kept
// away, is the caller's business.
//
// Empty events: a score whose denominator is zero is NaN: POD without observed events, FAR without forecast
// ones, CSI without either. It is never replaced by 0 or 1.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace altocast {

struct ContingencyTable {
  std::uint64_t hits = 0, false_alarms = 0, misses = 0, correct_negatives = 0;

  void add(bool forecast, bool observed) {
    ++(forecast ? (observed ? hits : false_alarms) : (observed ? misses : correct_negatives));
  }
  std::uint64_t count() const { return hits + false_alarms + misses + correct_negatives; }

  void each_number(const auto& visit) {  // as in errors.h
    for (std::uint64_t* number : {&hits, &false_alarms, &misses, &correct_negatives}) visit(*number);
  }

  double accuracy() const;        // (hits + correct negatives) / all
  double frequency_bias() const;  // forecast / observed events
  double pod() const;             // probability of detection, hits / observed events
  double far() const;             // false-alarm ratio, false alarms / forecast events
  double pofd() const;            // probability of false detection, false alarms / observed non-events
  double csi() const;             // critical success index, hits / (hits + false alarms + misses)
  double hss() const;             // Heidke skill score: accuracy beyond that of chance
  double ets() const;             // equitable threat score: CSI without the hits of chance
  double sedi() const;            // symmetric extremal dependence index
  double mcc() const;             // Matthews' correlation coefficient
  double f1() const;              // harmonic mean of POD and 1 − FAR
};

}  // namespace altocast
