package survey

import (
	"context"
	"encoding/csv"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
	"tabe/flows/survei"
)

// Scores is what was said of one element: how often it was asked, and how
// often each score was given (index 0 is survei.Lowest).
type Scores struct {
	Asked  int64
	Counts [survei.Highest]int64
}

// Answers is how many scores were given.
func (s Scores) Answers() int64 {
	var n int64
	for _, c := range s.Counts {
		n += c
	}
	return n
}

// Mean is the average score, 0 if there is none.
func (s Scores) Mean() float64 {
	n := s.Answers()
	if n == 0 {
		return 0
	}
	var sum int64
	for i, c := range s.Counts {
		sum += int64(i+survei.Lowest) * c
	}
	return float64(sum) / float64(n)
}

// Result is the satisfaction with one service.
type Result struct {
	Service  string
	Elements map[survei.Element]Scores
}

// Answers is how many scores were given for the service.
func (r Result) Answers() int64 {
	var n int64
	for _, s := range r.Elements {
		n += s.Answers()
	}
	return n
}

// Mean is the average of the elements' means, each weighing the same, as the
// regulation has it. Elements that nobody answered are left out; Complete
// tells whether there are any.
func (r Result) Mean() float64 {
	var sum float64
	n := 0
	for _, s := range r.Elements {
		if s.Answers() > 0 {
			sum += s.Mean()
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

// Complete tells whether all nine elements were answered.
func (r Result) Complete() bool {
	return !slices.ContainsFunc(survei.Elements, func(e survei.Element) bool { return r.Elements[e].Answers() == 0 })
}

// Index is the satisfaction index (IKM, 25 to 100, two decimals as the
// regulation has its borders), 0 without an answer.
func (r Result) Index() float64 { return math.Round(r.Mean()*25*100) / 100 }

// Quality is the letter of the index, A the best; "" without an answer.
func (r Result) Quality() string {
	switch i := r.Index(); {
	case i == 0:
		return ""
	case i < 65:
		return "D"
	case i < 76.61:
		return "C"
	case i < 88.31:
		return "B"
	default:
		return "A"
	}
}

// Results returns the satisfaction with each service in the months from one
// day to another, in the order of their names.
func Results(ctx context.Context, db *database.DB, from, to time.Time) ([]Result, error) {
	rows, err := db.Query(ctx, `select service, element, score, sum(n) from survey_scores
		where month >= $1 and month <= $2 group by service, element, score order by service`, month(from), month(to))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var results []Result
	for rows.Next() {
		var service string
		var element survei.Element
		var score int
		var n int64
		if err := rows.Scan(&service, &element, &score, &n); err != nil {
			return nil, err
		}
		if len(results) == 0 || results[len(results)-1].Service != service {
			results = append(results, Result{Service: service, Elements: map[survei.Element]Scores{}})
		}
		r := results[len(results)-1]
		s := r.Elements[element]
		switch {
		case score == asked:
			s.Asked = n
		case score >= survei.Lowest && score <= survei.Highest:
			s.Counts[score-survei.Lowest] = n
		}
		r.Elements[element] = s
	}
	return results, rows.Err()
}

// WriteCSV writes one line for each service and element, and one with the
// index of each service, for the office that has to publish it.
func WriteCSV(w io.Writer, results []Result) error {
	out := csv.NewWriter(w)
	decimal := func(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) }
	rows := [][]string{{"layanan", "unsur", "ditanya", "nilai_1", "nilai_2", "nilai_3", "nilai_4", "jawaban", "rata_rata", "ikm", "mutu"}}
	for _, r := range results {
		total := Scores{}
		for _, e := range survei.Elements {
			s := r.Elements[e]
			row := []string{r.Service, string(e), strconv.FormatInt(s.Asked, 10)}
			for i, c := range s.Counts {
				row = append(row, strconv.FormatInt(c, 10))
				total.Counts[i] += c
			}
			total.Asked += s.Asked
			rows = append(rows, append(row, strconv.FormatInt(s.Answers(), 10), decimal(s.Mean()), "", ""))
		}
		row := []string{r.Service, "semua", strconv.FormatInt(total.Asked, 10)}
		for _, c := range total.Counts {
			row = append(row, strconv.FormatInt(c, 10))
		}
		quality := r.Quality()
		if quality != "" && !r.Complete() {
			quality += " (belum lengkap)"
		}
		rows = append(rows, append(row, strconv.FormatInt(r.Answers(), 10), decimal(r.Mean()), decimal(r.Index()), quality))
	}
	_ = out.WriteAll(rows) // Error tells
	return out.Error()
}

// month is the calendar month of t in WITA, as the table has it.
func month(t time.Time) string { return t.In(bot.WITA).Format("2006-01") }
