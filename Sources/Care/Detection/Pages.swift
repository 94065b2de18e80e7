/// A growable array in pages of 256 elements, indexed densely from 0.
///
/// The gateway keeps the state before a turn until the turn is committed. With one flat array the first
/// change after such a copy would copy everything; here it copies one page and the list of pages. Where
/// nothing else holds the page, a change happens in place.
public struct Pages<Element: Sendable>: Sendable {
    // Every page is full except the last one.
    @usableFromInline var pages: [ContiguousArray<Element>] = []
    public private(set) var count = 0

    public init() {}

    /// Elements in one page.
    @inlinable public static var pageSize: Int { 256 }

    /// Grows to at least `count` elements; the new ones are `element`. Never shrinks.
    public mutating func ensure(count wanted: Int, default element: Element) {
        while count < wanted {
            let inLast = count % Self.pageSize
            if inLast == 0 {
                pages.append(ContiguousArray())
                pages[pages.count - 1].reserveCapacity(Self.pageSize)
            }
            let more = Swift.min(wanted - count, Self.pageSize - inLast)
            pages[pages.count - 1].append(contentsOf: repeatElement(element, count: more))
            count += more
        }
    }

    public mutating func append(_ element: Element) { ensure(count: count + 1, default: element) }

    /// Traps outside `0 ..< count`, as an array does.
    @inlinable public subscript(index: Int) -> Element {
        get { pages[index >> 8][index & 255] }
        _modify { yield &pages[index >> 8][index & 255] }
    }
}
