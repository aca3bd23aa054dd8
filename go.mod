module tabe

go 1.26.0
