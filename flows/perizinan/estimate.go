package perizinan

import (
	"math"
	"math/big"

	"tabe/bot"
)

// function is what a building is for.
type function string

const (
	home      function = "home"
	business  function = "business"
	worship   function = "worship"
	social    function = "social"
	largeHome function = "large_home" // a home of more than some metres
)

// functions are those that can be chosen.
var functions = []function{home, business, worship, social}

// building is the formula by which the retribution of a new building is
// estimated. Factors are in ten-thousandths.
type building struct {
	price                                int64 // SHST, rupiah for a square metre
	share, complexity, permanence, owner int64
	floors                               []int64 // for one floor, two …
	functions                            map[function]int64
	largeAbove                           int // square metres
	official                             bool
}

// scale makes whole numbers of factors.
const scale = 10_000

func scaled(factor float64) int64 { return int64(math.Round(factor * scale)) }

// Limits of what is estimated.
const (
	maxFloors = 20
	maxArea   = 100_000       // square metres
	maxPrice  = 1_000_000_000 // rupiah for a square metre
)

// The weights of complexity, permanence and floors, in tenths (PP 16/2021).
const (
	weightComplexity = 3
	weightPermanence = 2
	weightFloors     = 5
)

// estimate returns the retribution of a new building of an area in square
// metres, in whole rupiah, the rest dropped. ok is false for more floors than
// the rules know.
func (b building) estimate(f function, area, floors int) (amount bot.Rupiah, ok bool) {
	if floors < 1 || floors > len(b.floors) || area < 1 || area > maxArea {
		return 0, false
	}
	if f == home && area > b.largeAbove {
		f = largeHome
	}
	// In big integers: nothing is rounded before the end.
	sum := weightComplexity*b.complexity + weightPermanence*b.permanence + weightFloors*b.floors[floors-1] // tenths
	product := big.NewInt(int64(area))
	for _, factor := range []int64{b.price, b.share, b.functions[f], sum, b.owner} {
		product.Mul(product, big.NewInt(factor))
	}
	divisor := big.NewInt(10) // of sum
	for range 4 {             // share, function, sum, owner
		divisor.Mul(divisor, big.NewInt(scale))
	}
	return bot.Rupiah(product.Quo(product, divisor).Int64()), true
}
