import Care
import Testing

@Suite struct SkewTests {
    private let noon = Instant(milliseconds: 1_795_046_400_000)

    @Test func `a clock that is an hour out is put right once that is sure`() {
        var skew = Skew()
        for n in 0..<4 {
            let arrival = noon + .minutes(Int64(n))
            let told = skew.correct(arrival - .hours(1), arrivedAt: arrival)
            #expect(told == arrival - .hours(1), "Four messages prove nothing.")
        }
        let arrival = noon + .minutes(4)
        let told = skew.correct(arrival - .hours(1), arrivedAt: arrival)
        #expect(told == arrival)
        #expect(skew.usual == .hours(1))
    }

    @Test func `a clock that is ahead is put right, and until then nothing lies in the future`() {
        var skew = Skew()
        for n in 0..<10 {
            let arrival = noon + .minutes(Int64(n))
            let told = skew.correct(arrival + .minutes(20), arrivedAt: arrival)
            #expect(told == arrival)
        }
        #expect(skew.usual == .minutes(-20))
    }

    @Test func `messages that waited do not spoil a clock that goes right`() {
        var skew = Skew()
        for n in 0..<10 { _ = skew.correct(noon + .minutes(Int64(n)), arrivedAt: noon + .minutes(Int64(n)) + .seconds(2)) }
        for n in 0..<5 {
            let measured = noon + .minutes(Int64(20 + n))
            let told = skew.correct(measured, arrivedAt: noon + .hours(6))
            #expect(told == measured, "It was queued for hours, and keeps its own time.")
        }
        #expect(skew.usual == .zero)
    }

    @Test func `the way that a message takes is no wrong clock`() {
        var skew = Skew()
        for n in 0..<20 {
            let measured = noon + .minutes(Int64(n))
            let told = skew.correct(measured, arrivedAt: measured + .seconds(30))
            #expect(told == measured)
        }
        #expect(skew.usual == .zero)
    }

    @Test func `a clock that has been put right is believed again`() {
        var skew = Skew()
        for n in 0..<15 { _ = skew.correct(noon + .minutes(Int64(n)) - .hours(1), arrivedAt: noon + .minutes(Int64(n))) }
        #expect(skew.usual == .hours(1))
        for n in 0..<8 { _ = skew.correct(noon + .hours(2) + .minutes(Int64(n)), arrivedAt: noon + .hours(2) + .minutes(Int64(n))) }
        #expect(skew.usual == .zero)
    }
}
