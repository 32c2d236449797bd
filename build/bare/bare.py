"""A window with a line and a button, and nothing else: what the executable's size and start are measured against."""

import sys

from PySide6.QtWidgets import QApplication, QLabel, QMainWindow, QPushButton, QVBoxLayout, QWidget

application = QApplication(sys.argv)
window, middle = QMainWindow(), QWidget()
column = QVBoxLayout(middle)
column.addWidget(QLabel("A window"))
column.addWidget(QPushButton("A button"))
window.setCentralWidget(middle)
window.setWindowTitle("Bare")
window.resize(1024, 640)
window.show()
sys.exit(application.exec())
