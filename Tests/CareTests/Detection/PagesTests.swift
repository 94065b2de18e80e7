import Care
import Testing

@Suite struct PagesTests {
    @Test func growsAcrossPagesAndNeverShrinks() {
        var pages = Pages<Int>()
        pages.ensure(count: 3, default: 7)
        pages[2] = 9
        pages.ensure(count: 600, default: 8)
        pages.ensure(count: 10, default: 1)
        pages.append(5)
        #expect(pages.count == 601)
        #expect([0, 2, 3, 255, 256, 599, 600].map { pages[$0] } == [7, 9, 8, 8, 8, 8, 5])
    }

    @Test func aCopyKeepsWhatItHeld() {
        var new = Pages<Int>()
        new.ensure(count: 1_000, default: 0)
        let old = new
        new[300] = 1
        new.ensure(count: 1_300, default: 2)
        #expect(old[300] == 0)
        #expect(old.count == 1_000)
        #expect(new[300] == 1)
        #expect(new[1_299] == 2)
    }

    /// Elements that count their references show which pages were copied.
    @Test func onlyTheChangedPageIsCopied() {
        final class Marker: Sendable {}
        struct Element: Sendable { var marker: Marker, number = 0 }
        var new = Pages<Element>()
        let markers = (0..<3).map { _ in Marker() }
        for marker in markers { new.ensure(count: new.count + 256, default: Element(marker: marker)) }
        func counts() -> [Int] { markers.map { Int(_getRetainCount($0)) } }
        let before = counts()
        new[0].number = 1
        #expect(counts() == before, "a change of something unique copies nothing")
        let old = new
        new[300].number = 1
        new[301].number = 1
        #expect(zip(counts(), before).map { $0 - $1 } == [0, 256, 0])
        #expect(old[300].number == 0)
    }
}

@Suite struct DetectorKeyTests {
    @Test(arguments: ["door-open/series/17", "no-movement/home/elm-3", "silent/device/4"])
    func textReadsBack(_ text: String) {
        #expect(DetectorKey(text: text)?.text == text)
    }

    @Test(arguments: [
        "", "a/b", "silent/device/x", "silent/device/0", "silent/device/+4", "silent/device/04", "/home/elm-3",
        "silent/home/", "silent/room/4", "a/series/1/2", "a/series/99999999999",
    ])
    func otherTextIsRefused(_ text: String) {
        #expect(DetectorKey(text: text) == nil)
    }

    @Test func order() {
        let texts = ["a/home/b", "a/home/c", "a/device/4", "a/series/9", "a/series/17", "b/home/a"]
        let keys = texts.compactMap { DetectorKey(text: $0) }
        #expect(keys.reversed().sorted().map(\.text) == texts)
    }
}
